/// Builds, starts and destroys domains by real hypercalls of the privileged domain's first vCPU. The same code works on
/// every target: it knows nothing of what is behind the Vcpu.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "sim/guest/agent_image.hpp"
#include "sim/target/target.hpp"
#include "sim/toolstack/kernel_builder.hpp"

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

struct BuiltKernel {
  DomId id;
  toolstack::KernelRings rings;
};

class Toolstack {
 public:
  /// `dom0` must outlive the toolstack. `image` is what guests are loaded with. Guest vCPUs are pinned one by one to
  /// `pcpus` (used round robin; empty: no pinning).
  Toolstack(Domain& dom0, const AgentImage& image, std::vector<uint32_t> pcpus);
  ~Toolstack();

  /// Creates, populates, loads and unpauses a guest. On an error nothing is left behind.
  BuiltGuest build(const GuestSpec& spec);
  /// The same with a kernel that somebody else built; `spec.type` is the image's. A console and a store are connected,
  /// whose other ends nobody serves yet.
  BuiltKernel build_kernel(const GuestSpec& spec, const KernelImage& image, const toolstack::KernelBoot& boot);
  /// An event on a port of the privileged domain.
  void notify(uint32_t port);
  /// What the hypervisor says of a domain; nothing when it is gone.
  std::optional<xen_domctl_getdomaininfo> info(DomId id);
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
