/// What happened on a machine, as plain values: what a recorder keeps, files hold and the outputs show.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sim/port/port.h"

namespace assay::trace {

/// A vCPU of a domain.
struct VcpuName {
  uint16_t domid = 0;
  uint32_t vcpu = 0;
  friend auto operator<=>(const VcpuName&, const VcpuName&) = default;
};

/// What a pCPU runs.
struct Occupant {
  enum class Kind : uint8_t {
    kUnknown,  ///< nobody has seen it yet
    kIdle,
    kVcpu,
    kOther,  ///< not of the domain that is looked at
  };
  Kind kind = Kind::kUnknown;
  VcpuName vcpu;
  friend bool operator==(const Occupant&, const Occupant&) = default;
};

/// How an exit ended: the vCPU goes on.
struct Return {
  uint64_t now_ns = 0;
  uint32_t pcpu = 0;
  uint64_t rip = 0;
  /// HYPERCALL: rax. CPUID: eax, ebx, ecx, edx. MSR: what was read. IO: what was read. Others: zeroes.
  std::array<uint64_t, 4> values{};
  std::vector<std::byte> argument;  ///< HYPERCALL: what is at the argument pointer now, when it is not what it was
  friend bool operator==(const Return&, const Return&) = default;
};

/// A vCPU left, for the core.
struct Exit {
  assay_exit left{};
  uint64_t rip = 0;
  uint64_t rax = 0;
  /// HYPERCALL: the six registers of the calling convention. CPUID: leaf, subleaf. MSR: what is written.
  std::array<uint64_t, 6> arguments{};
  uint8_t mode = ASSAY_MODE_PV64;  ///< enum assay_vcpu_mode
  uint8_t code_bits = 64;
  bool gave_up_pcpu = false;        ///< the pCPU ran something else before this vCPU went on
  std::optional<Return> back;       ///< none: not within the trace
  std::vector<std::byte> argument;  ///< HYPERCALL: what was at the argument pointer
  std::vector<std::byte> code;      ///< around rip
  uint8_t code_before = 0;          ///< how much of it lies before rip
};

/// A pCPU goes on with something else.
struct Switch {
  Occupant from, to;
};

/// A vCPU goes on at a handler: an interrupt, an upcall, or an exception that came back to the guest.
struct Delivery {
  std::optional<uint8_t> vector;  ///< HVM: of the interrupt. PV64: none
  uint64_t rip = 0;               ///< HVM: of the interrupted place. PV64: of the handler
  uint64_t from_rip = 0;          ///< PV64: where the vCPU had left
};

/// An event of the core's own trace.
struct CoreEvent {
  static constexpr size_t kWords = 7;
  uint32_t id = 0;
  uint8_t count = 0;  ///< of `words`
  std::array<uint64_t, kWords> words{};
};

struct Event {
  uint64_t now_ns = 0;
  uint32_t pcpu = 0;
  std::optional<VcpuName> vcpu;  ///< Exit, Delivery: always. CoreEvent: on whose behalf. Switch: never
  std::variant<Exit, Switch, Delivery, CoreEvent> what;
};

/// Events in the order of time.
struct Trace {
  std::string subject;   ///< what was run
  uint64_t dropped = 0;  ///< earlier events that did not fit
  std::deque<Event> events;
};

/// Limits of what an event carries.
constexpr size_t kArgumentBytesMax = 256;
constexpr size_t kCodeBytesMax = 32;

/// The part of a trace that is looked at.
struct Filter {
  std::optional<uint16_t> domain;  ///< none: all
  uint64_t from_ns = 0;
  uint64_t to_ns = ASSAY_NEVER;  ///< exclusive

  friend bool operator==(const Filter&, const Filter&) = default;

  /// False: the event does not belong to it. What belongs to it in part is cut: the other side of a switch becomes
  /// kOther.
  bool take(Event& event) const;
  /// The events of `all` that belong to it.
  [[nodiscard]] Trace of(const Trace& all) const;
};

}  // namespace assay::trace
