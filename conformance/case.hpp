/// A conformance case: one rule of the ABI, and how to see whether a hypervisor keeps it. Written once, run everywhere.
///
///     const Case kRemoteInUse{{
///         .slug = "evtchn.bind_interdomain.remote_in_use.einval",
///         .rule = "A port that is already bound cannot be bound a second time: EINVAL, and nothing changes.",
///         .source = "public/event_channel.h, EVTCHNOP_bind_interdomain",
///         .method = "The peer offers a port, the guest binds it, then tries again.",
///         .requirements = {"EVTCHN-INTER-004"},
///         .guests = GuestTypes::kBoth,
///         .needs = {Capability::kTwoGuests},
///         .body =
///             [](CaseContext& c) {
///               EventChannels ours(c.vcpu());
///               ...
///               c.check_eq(ours.bind_interdomain(peer, port).result, -XEN_EINVAL, "binding a second time");
///             },
///     }};
///
/// Defining the object registers the case. A case may include this header, sim/target/target.hpp, sim/base/strong.hpp,
/// sim/abi/xen.hpp and conformance/guest/, and nothing else of the project.
#pragma once

#include <cstdint>
#include <source_location>
#include <string_view>
#include <vector>

#include "conformance/context.hpp"
#include "sim/target/target.hpp"

namespace assay {

/// Which guests a case runs on. Each type is a run of its own, called "slug@pv64" or "slug@pvh"; kDom0 runs once,
/// without suffix.
enum class GuestTypes : uint8_t { kBoth, kPv64, kPvh, kDom0 };

/// Everything about a case that people read, and its body. `slug`, `rule`, `source`, `requirements` and `body` are
/// required.
struct CaseSpec {
  std::string_view slug{};    ///< stable: area.operation.situation.expectation, of [a-z0-9_] parts
  std::string_view rule{};    ///< one sentence
  std::string_view source{};  ///< where the rule comes from
  std::string_view method{};  ///< how the case finds out, when the body does not say it at a glance
  std::vector<std::string_view> requirements{};
  GuestTypes guests = GuestTypes::kBoth;
  /// kPv64Guest, kPvhGuest and kDom0 follow from `guests`, kMultiVcpu from `vcpus_online`: no need to name them.
  std::vector<Capability> needs{};
  uint32_t vcpus = 2;         ///< of guest(), peer() and third()
  uint32_t vcpus_online = 1;  ///< of these, how many run the agent; the others exist and are down
  uint32_t pages = 1024;
  uint32_t max_evtchn_port = 0;  ///< 0 = the ABI's own limit
  void (*body)(CaseContext&) = nullptr;
};

/// Registers a case for the life of the program. Define at namespace scope.
class Case {
 public:
  explicit Case(const CaseSpec& spec, std::source_location where = std::source_location::current());
};

struct RegisteredCase {
  CaseSpec spec;
  std::string_view file;  ///< from the root of the tree
  uint32_t line;
};

/// All cases, sorted by slug.
std::vector<RegisteredCase> registered_cases();

}  // namespace assay
