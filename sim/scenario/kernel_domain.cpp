#include "sim/scenario/kernel_domain.hpp"

#include <algorithm>

namespace assay::scenario {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kInitrdBytesMax = 512 * kMiB;

GuestDevices::Ring ring_of(Machine& machine, const toolstack::ServedRing& ring) {
  return {SharedPage(machine.memory() + ring.frame.raw() * kPageSize, kPageSize), ring.port};
}

host::KernelGuest& boot(host::Session& session, const DomainSpec& spec) {
  const KernelSpec& kernel = *spec.kernel;
  KernelImage image;
  toolstack::KernelBoot boot;
  boot.command_line = kernel.command_line;
  boot.is_paused = true;
  try {
    image = KernelImage::load(kernel.path, kernel.type);
    if (!kernel.initrd.empty()) boot.initrd = read_whole_file(kernel.initrd, kInitrdBytesMax);
  } catch (const std::runtime_error& error) {
    throw ToolstackError(error.what());
  }
  GuestSpec guest;
  guest.type = image.type;
  guest.vcpus = static_cast<uint32_t>(spec.vcpus.size());
  guest.pages = static_cast<uint32_t>(kernel.memory_mib * kMiB / kPageSize);
  return session.boot_kernel(guest, image, boot);
}

}  // namespace

KernelDomain::KernelDomain(host::Session& session, const DomainSpec& spec)
    : session_(session), spec_(spec), guest_(&boot(session, spec)) {
  const toolstack::KernelRings& rings = guest_->built.rings;
  devices_ = std::make_unique<GuestDevices>(id(), spec.kernel->memory_mib, ring_of(session.machine(), rings.console),
                                            ring_of(session.machine(), rings.store));
  for (uint32_t vcpu = 0; vcpu < guest_->vcpus.size(); ++vcpu) {
    session.machine().detach(*guest_->vcpus[vcpu]);
    vcpus_.push_back(std::make_unique<Turns>(*this, *guest_->vcpus[vcpu]));
    session.machine().attach(id().raw(), vcpu, *vcpus_.back());
  }
}

GuestStep KernelDomain::Turns::step(assay_run& run, const StepLimits& limits, assay_exit& exit) {
  constexpr uint64_t kTurnNs = 20'000;  // as long as when others have turns, too
  if (domain_.has_used_up_instructions()) return {.kind = GuestStep::Kind::kIdle};
  return guest_.step(run, {limits.now_ns, std::min(limits.until_ns, limits.now_ns + kTurnNs)}, exit);
}

void KernelDomain::look_after() {
  if (shutdown_) return;
  const auto info = session_.toolstack().info(id());
  if (info && (info->flags & XEN_DOMINF_shutdown) != 0) {
    shutdown_ = info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    return devices_->take_rest();
  }
  devices_->serve([this](uint32_t port) { session_.toolstack().notify(port); });
}

void KernelDomain::detach() {
  for (const auto& vcpu : vcpus_) session_.machine().detach(*vcpu);
}

uint64_t KernelDomain::instructions() const {
  uint64_t sum = 0;
  for (const auto& vcpu : guest_->vcpus) sum += vcpu->instructions();
  return sum;
}

}  // namespace assay::scenario
