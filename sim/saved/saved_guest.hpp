/// What a migration stream does not say of a guest, and whoever restores it has to know: kept as JSON beside the
/// stream.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sim/target/target.hpp"

namespace assay {

/// A guest does not suspend itself, or does not wake, in the time that it had.
class GuestUncooperative : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A guest that runs the agent, and what it knows by heart.
struct SavedAgent {
  uint64_t image_hash = 0;       ///< of the agent's file: another build lies elsewhere in memory
  uint64_t heap_used_pages = 0;  ///< of its heap, handed out so far
  uint64_t pattern_seed = 0;
  uint64_t count = 0;  ///< of its counter
  bool operator==(const SavedAgent&) const = default;
};

/// A kernel that somebody else built.
struct SavedKernel {
  std::string name;  ///< of its file, for people
  bool operator==(const SavedKernel&) const = default;
};

struct SavedGuest {
  GuestSpec spec;
  std::optional<SavedAgent> agent;    ///< exactly one of the two
  std::optional<SavedKernel> kernel;  ///< likewise
  std::string saved_on;               ///< which target, for people
  std::string made_by;                ///< version of this program
  uint64_t stream_bytes = 0;
  std::string stream_xxh128;  ///< 32 hexadecimal digits

  [[nodiscard]] std::string to_json() const;
  /// Reads what to_json has written, and nothing else: an unknown key, a missing one, a value of another type or out of
  /// range is an InputError that begins with `name` and says which.
  static SavedGuest parse(std::string_view text, const std::string& name);
};

}  // namespace assay
