/// Hypercalls with anything in their registers: numbers, sub-operations, pointers good and bad; and who makes them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/targets/entropy.hpp"
#include "sim/target/target.hpp"

namespace assay::fuzz {

constexpr size_t kCallBytes = 48;
constexpr size_t kCallArguments = 5;
constexpr size_t kCallDataBytes = 24;
constexpr size_t kCallsMax = 16;      ///< of an input
constexpr uint8_t kCallNumbers = 64;  ///< numbers are taken modulo

/// Where a register's value comes from, and a choice of it.
struct CallArgument {
  uint8_t source = 0;
  uint8_t choice = 0;
};

/// One call: a byte string of kCallBytes, whatever it holds.
struct Call {
  uint8_t actor = 0;
  uint8_t number = 0;
  std::array<CallArgument, kCallArguments> argument{};
  std::array<char, 4> spare{};
  uint64_t wide = 0;
  std::array<char, kCallDataBytes> data{};  ///< in the page of arguments
};
static_assert(sizeof(Call) == kCallBytes);

using Calls = std::vector<Call>;

/// An incomplete call at the end is dropped.
Calls calls_from(std::string_view input);
std::string to_input(const Calls& calls);
/// Of kCallsMax calls at most.
std::string mutate_calls(std::string_view input, Entropy& entropy);
/// The beginning of one and the end of another.
std::string cross_calls(std::string_view one, std::string_view other, Entropy& entropy);

class CallBatch;

/// A guest that calls. Made where its guest has nothing in flight.
class Caller {
 public:
  /// A call that has not returned after `patience_ns` of the target's time never will.
  Caller(Domain& domain, DomId peer, uint64_t patience_ns, bool runs_machine_code);

  /// Its guest is as it was when this was made.
  void begin() { is_gone_ = false; }
  /// Does nothing once the guest is gone. What has become of the hypervisor comes out of here as TargetDied.
  void make(const Call& call);
  /// As one after the other, where the guest runs machine code by a single message: calls that return to who makes
  /// them, kCallsMax at most.
  void make_all(std::span<const Call> calls);
  /// Dead, asleep for ever, or where no agent can be.
  [[nodiscard]] bool is_gone() const { return is_gone_; }

 private:
  /// Notes that the guest is gone when `make` says so, or finds out.
  template <typename Make>
  void attempt(const Make& make);
  [[nodiscard]] std::array<uint64_t, kCallArguments> values_of(const Call& call) const;
  [[nodiscard]] uint64_t value_of(const Call& call, CallArgument from) const;

  Domain* domain_;
  DomId peer_;
  Gva page_;
  uint64_t frame_;
  uint64_t patience_ns_;
  std::shared_ptr<CallBatch> batch_;  ///< null: one message a call
  bool is_gone_ = false;
};

/// A PV64 and a PVH guest that call, each the other's peer.
std::vector<Caller> make_callers(Target& target, uint64_t patience_ns);
/// Makes all the calls, each by its actor.
void make_calls(std::vector<Caller>& callers, const Calls& calls);

}  // namespace assay::fuzz
