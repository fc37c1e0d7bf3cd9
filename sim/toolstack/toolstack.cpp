#include "sim/toolstack/toolstack.hpp"

#include <algorithm>

#include "sim/toolstack/bring_up.hpp"
#include "sim/toolstack/guest_builder.hpp"
#include "sim/toolstack/pinning.hpp"

namespace assay {

using namespace toolstack;

namespace {

/// How long a destroyed domain may linger: the hypervisor drops its last references in the background, and those of the
/// domain that it was the device model of only when that one has gone: 0.2 s on the real Xen.
constexpr uint64_t kVanishLimitNs = 3'000'000'000;
constexpr uint64_t kVanishPollNs = 10'000;
constexpr uint64_t kVanishPollMaxNs = 1'000'000;

void check_spec(const GuestSpec& spec) {
  if (spec.vcpus == 0 || spec.vcpus > kVcpusMax) {
    throw ToolstackError("a guest has 1 to " + std::to_string(kVcpusMax) + " vCPUs, not " + std::to_string(spec.vcpus));
  }
  if (spec.vcpus_online > spec.vcpus) throw ToolstackError("more vCPUs online than the guest has");
}

}  // namespace

/// What a toolstack needs of the privileged domain; taken from its heap when the first domain is built.
struct Workspace {
  explicit Workspace(Domain& domain) : dom0(domain), control(dom0), window(dom0) {}
  Privileged dom0;
  DomainControl control;
  ForeignWindow window;
};

struct Toolstack::Impl {
  Impl(Domain& domain, const AgentImage& agent, std::vector<uint32_t> pcpus)
      : dom0(domain), image(agent), pinning(std::move(pcpus)) {}

  Workspace& work() {
    if (!workspace) workspace.emplace(dom0);
    return *workspace;
  }

  void prepare(DomId id, const GuestSpec& spec, bool is_placed_elsewhere = false) {
    const DomainControl& control = work().control;
    control.set_max_vcpus(id, spec.vcpus);
    control.set_max_memory(id, spec.pages);
    if (is_placed_elsewhere) return;
    const std::vector<uint32_t> pcpus = pinning.assign(id, spec.vcpus);
    for (uint32_t vcpu = 0; vcpu < pcpus.size(); ++vcpu) control.pin(id, vcpu, pcpus[vcpu]);
  }

  BuiltGuest fill(DomId id, const MemoryPlan& plan, const GuestSpec& spec) {
    prepare(id, spec);
    const Builder builder{work().dom0, work().control, work().window, image, spec};
    const auto build = spec.type == GuestType::kPv64 ? build_pv64 : build_pvh;
    MailboxFrames frames = build(builder, id, plan);
    work().control.unpause(id);
    return {id, plan.space(), std::move(frames)};
  }

  /// What is left of a failed build goes; the error that is under way matters more than one of the clean-up.
  std::string discard(DomId id) {
    try {
      work().window.unmap();
      destroy(id);
      return {};
    } catch (const ToolstackError& error) {
      return std::string("; then, cleaning up: ") + error.what();
    }
  }

  void destroy(DomId id) {
    pinning.release(id);
    if (!work().control.destroy(id)) return;
    uint64_t wait_ns = kVanishPollNs;
    for (uint64_t waited_ns = 0; waited_ns < kVanishLimitNs; waited_ns += wait_ns) {
      if (!work().control.info(id)) return;
      dom0.vcpu(0).spin(wait_ns);
      wait_ns = std::min(2 * wait_ns, kVanishPollMaxNs);
    }
    throw ToolstackError("domain " + std::to_string(id.raw()) + " is destroyed but does not go: somebody refers to it");
  }

  Domain& dom0;
  const AgentImage& image;
  Pinning pinning;
  std::optional<Workspace> workspace;
};

Toolstack::Toolstack(Domain& dom0, const AgentImage& image, std::vector<uint32_t> pcpus)
    : impl_(std::make_unique<Impl>(dom0, image, std::move(pcpus))) {}

Toolstack::~Toolstack() = default;

BuiltGuest Toolstack::build(const GuestSpec& spec) {
  check_spec(spec);
  const MemoryPlan plan = plan_memory(impl_->image.layout, spec.type, spec.pages);
  const DomId id = impl_->work().control.create(spec);
  try {
    return impl_->fill(id, plan, spec);
  } catch (const ToolstackError& error) {
    throw ToolstackError("building a " + std::string(to_string(spec.type)) + " guest: " + error.what() +
                         impl_->discard(id));
  } catch (const HarnessFault&) {
    (void)impl_->discard(id);
    throw;
  }
}

BuiltKernel Toolstack::build_kernel(const GuestSpec& spec, const KernelImage& image, const KernelBoot& boot) {
  check_spec(spec);
  const DomId id = impl_->work().control.create(spec);
  try {
    impl_->prepare(id, spec, boot.is_paused);
    Workspace& work = impl_->work();
    const KernelRings rings = toolstack::build_kernel(work.dom0, work.control, work.window, spec, id, image, boot);
    if (!boot.is_paused) work.control.unpause(id);
    return {id, rings};
  } catch (const ToolstackError& error) {
    throw ToolstackError(std::string(error.what()) + impl_->discard(id));
  }
}

void Toolstack::notify(uint32_t port) {
  impl_->work().control.notify(port);
}

std::optional<xen_domctl_getdomaininfo> Toolstack::info(DomId id) {
  return impl_->work().control.info(id);
}

void Toolstack::destroy(DomId id) {
  impl_->destroy(id);
}

void Toolstack::begin_destroy(DomId id) {
  (void)impl_->work().control.destroy(id);
}

void Toolstack::bring_up(Domain& guest, uint32_t vcpu_id) {
  bring_up_vcpu(guest, vcpu_id);
}

}  // namespace assay
