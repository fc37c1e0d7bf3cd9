/// Builds, starts and destroys domains by real hypercalls of the privileged domain's first vCPU. The same code works on
/// every target: it knows nothing of what is behind the Vcpu.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "sim/guest/agent_image.hpp"
#include "sim/target/target.hpp"

namespace assay {

/// A hypercall of the domain builder failed: `what` names the step, the call and its result.
class ToolstackError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// vCPUs of a guest. Those beyond ASSAY_AGENT_VCPUS_MAX exist, but the agent cannot run on them.
constexpr uint32_t kVcpusMax = 64;

/// A domain that exists, is loaded with the agent and unpaused, seen from outside.
struct BuiltGuest {
  DomId id;
  GuestSpace space;
  /// Machine frames of each vCPU's mailbox, ASSAY_MAILBOX_BYTES / kPageSize per vCPU, in order: [vcpu][frame].
  std::vector<std::vector<Mfn>> mailbox_frames;
};

class Toolstack {
 public:
  /// `dom0` must outlive the toolstack. `image` is what guests are loaded with. Guest vCPUs are pinned one by one to
  /// `pcpus` (used round robin; empty: no pinning).
  Toolstack(Domain& dom0, const AgentImage& image, std::vector<uint32_t> pcpus);
  ~Toolstack();

  /// Creates, populates, loads and unpauses a guest. On an error nothing is left behind.
  BuiltGuest build(const GuestSpec& spec);
  /// Destroys and waits until the domain id is gone. Idempotent.
  void destroy(DomId id);
  /// Destroys without waiting. Domains that refer to each other's memory must all be torn down before any id goes.
  void begin_destroy(DomId id);
  /// Starts a further vCPU of a guest at the agent's secondary entry, by the guest's own hypercalls on vCPU 0.
  void bring_up(Domain& guest, uint32_t vcpu_id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay
