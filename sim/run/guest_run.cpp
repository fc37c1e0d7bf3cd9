#include "sim/run/guest_run.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "sim/abi/xen.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay {

namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kInitrdBytesMax = 512 * kMiB;
/// Machine memory besides the guest's: the first domain, and what the core keeps for itself.
constexpr uint64_t kOtherBytes = 192 * kMiB;
/// The hypervisor is asked about the domain once in so many slices.
constexpr uint64_t kSlicesPerLook = 10;

HostOptions host_options(const GuestRunInputs& inputs) {
  HostOptions options;
  options.core = inputs.core;
  options.memory_bytes = inputs.memory_mib * kMiB + kOtherBytes;
  return options;
}

GuestEnd end_of(uint32_t reason) {
  switch (reason) {
    case SHUTDOWN_poweroff:
      return GuestEnd::kPoweroff;
    case SHUTDOWN_reboot:
      return GuestEnd::kReboot;
    case SHUTDOWN_suspend:
      return GuestEnd::kSuspend;
    case SHUTDOWN_watchdog:
      return GuestEnd::kWatchdog;
    default:
      return GuestEnd::kCrash;
  }
}

GuestDevices::Ring ring_of(Machine& machine, const toolstack::ServedRing& ring) {
  return {SharedPage(machine.memory() + ring.frame.raw() * kPageSize, kPageSize), ring.port};
}

}  // namespace

std::string_view to_string(GuestEnd end) {
  constexpr std::array<std::string_view, 8> kNames{"running", "poweroff", "reboot", "suspend",
                                                   "crash",   "watchdog", "gone",   "core died"};
  return kNames.at(static_cast<size_t>(end));
}

GuestRun::GuestRun(const GuestRunInputs& inputs)
    : inputs_(inputs), core_(inputs.core), session_(core_, host_options(inputs)) {
  const KernelImage image = KernelImage::load(inputs.kernel, inputs.type);
  toolstack::KernelBoot boot;
  boot.command_line = inputs.command_line;
  if (!inputs.initrd.empty()) boot.initrd = read_whole_file(inputs.initrd, kInitrdBytesMax);
  GuestSpec spec;
  spec.type = image.type;
  spec.vcpus = inputs.vcpus;
  spec.pages = static_cast<uint32_t>(inputs.memory_mib * kMiB / kPageSize);
  session_.rewind(inputs.seed);
  guest_ = &session_.boot_kernel(spec, image, boot);
  Machine& machine = session_.machine();
  const toolstack::KernelRings& rings = guest_->built.rings;
  devices_ = std::make_unique<GuestDevices>(guest_->built.id, inputs.memory_mib, ring_of(machine, rings.console),
                                            ring_of(machine, rings.store));
}

GuestRun::~GuestRun() = default;

struct GuestRun::Moment {
  host::Session::Moment session;
  std::shared_ptr<const GuestDevices::State> devices;
  std::string death;
  uint64_t slices;
  GuestEnd end;
};

std::shared_ptr<const GuestRun::Moment> GuestRun::take_moment() {
  return std::make_shared<Moment>(Moment{session_.take_moment(), devices_->state(), death_, slices_, end_});
}

void GuestRun::go_back(const Moment& moment) {
  if (!session_.go_back(moment.session)) throw HarnessFault("a moment of another guest");
  devices_->set_state(*moment.devices);
  death_ = moment.death;
  slices_ = moment.slices;
  end_ = moment.end;
}

void GuestRun::look_after() {
  const auto info = session_.toolstack().info(guest_->built.id);
  if (!info) {
    end_ = GuestEnd::kGone;
  } else if ((info->flags & XEN_DOMINF_shutdown) != 0) {
    end_ = end_of(info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask);
  }
}

GuestEnd GuestRun::advance(uint64_t deadline_ns) {
  Machine& machine = session_.machine();
  try {
    while (end_ == GuestEnd::kRunning && machine.now_ns() < deadline_ns) {
      machine.pass_time(kSliceNs);  // whole ones, whoever asks: where they end is a part of the run
      devices_->serve([this](uint32_t port) { session_.toolstack().notify(port); });
      if (++slices_ % kSlicesPerLook == 0) look_after();
    }
  } catch (const CoreDied& died) {
    death_ = died.what();
    end_ = GuestEnd::kCoreDied;
  } catch (const TargetDied& died) {
    death_ = died.what();
    end_ = GuestEnd::kCoreDied;
  } catch (const ToolstackError& error) {  // a domain that goes takes its event channels along
    look_after();
    if (end_ == GuestEnd::kRunning) throw;
  }
  if (end_ != GuestEnd::kRunning && end_ != GuestEnd::kCoreDied) devices_->take_rest();
  return end_;
}

uint64_t GuestRun::now_ns() const {
  return session_.machine().now_ns();
}

uint64_t GuestRun::digest() const {
  return session_.machine().digest();
}

std::string GuestRun::hypervisor_console() const {
  return session_.console();
}

uint64_t GuestRun::instructions() const {
  uint64_t sum = 0;
  for (const auto& vcpu : guest_->vcpus) sum += vcpu->instructions();
  return sum;
}

std::string GuestRun::describe() const {
  std::string text = death_.empty() ? "" : death_ + "\n";
  return text + devices_->broken() + session_.machine().describe();
}

}  // namespace assay
