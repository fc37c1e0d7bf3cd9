/// Inputs that guests of a core are played with: what the fuzz targets of this folder are, and what looks for planted
/// faults (fuzz/faults/) plays on cores of its own.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "fuzz/targets/entropy.hpp"
#include "sim/target/host/target_host.hpp"

namespace assay::fuzz {

/// An input has broken what must hold; says what.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Some of what must hold takes long to look at: one input in many is told of it, always the same ones; or each.
enum class Care : uint8_t { kUsual, kAll };

/// Guests of a core, with which one input after the other is played, each from the same beginning.
class InputPlayer {
 public:
  virtual ~InputPlayer() = default;
  /// Throws Broken, and TargetDied; the next input is played all the same.
  virtual void play(std::string_view input, Care care) = 0;
  /// The last input, with literals in the place of choices as far as it was played: what is taken out of it changes
  /// nothing that is left.
  [[nodiscard]] virtual std::string played() const = 0;
};

struct GuestTarget {
  std::string_view name;   ///< also the folder of its corpus
  std::string_view reads;  ///< what, for people
  size_t head_bytes;       ///< of an input, before its operations
  size_t operation_bytes;
  size_t operations_max;
  std::string (*mutate)(std::string_view input, Entropy& entropy);
  std::string (*cross)(std::string_view one, std::string_view other, Entropy& entropy);
  /// Of inputs for which this differs the guests are others, and take long to make: they had better be apart.
  bool (*is_for_pvh)(std::string_view input);
  /// The input in one line.
  std::string (*show)(std::string_view input);
  /// Nobody else may use the core as long as there is the player.
  std::unique_ptr<InputPlayer> (*begin)(HostTarget& core);

  [[nodiscard]] size_t bytes_max() const { return head_bytes + operations_max * operation_bytes; }
};

constexpr size_t kGuestTargets = 6;
/// By name.
const std::array<GuestTarget, kGuestTargets>& guest_targets();

GuestTarget domains_target();
GuestTarget events_target();
GuestTarget grants_target();
GuestTarget memory_target();
GuestTarget page_tables_target();
GuestTarget registers_target();
/// Of no use against planted faults, and slow: for fuzzers alone, not one of guest_targets().
GuestTarget restore_target();

/// "NAME: 0111...", the bytes of an input.
std::string show_bytes(std::string_view name, std::string_view input);

}  // namespace assay::fuzz
