#include "sim/run/guest_run.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "sim/abi/xen.hpp"
#include "sim/toolstack/migration/moved_guest.hpp"
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
  type_ = image.type;
  session_.rewind(inputs.seed);
  guest_ = &session_.boot_kernel(spec(), image, boot);
  connect();
}

GuestRun::GuestRun(const GuestRunInputs& inputs, const SavedGuest& saved, migration::ByteSource& source,
                   uint64_t now_ns)
    : inputs_(inputs), core_(inputs.core), session_(core_, host_options(inputs)), type_(saved.spec.type) {
  session_.rewind(inputs.seed);
  if (now_ns > this->now_ns()) session_.machine().pass_time(now_ns - this->now_ns());
  const migration::RestoredDomain restored = host().restore(saved.spec, source);
  try {
    guest_ = &session_.adopt_kernel(take_over(restored), inputs.vcpus);
    connect();
    host().start(restored.id);
  } catch (...) {
    host().destroy(restored.id);
    throw;
  }
}

GuestRun::~GuestRun() = default;

GuestSpec GuestRun::spec() const {
  GuestSpec spec;
  spec.type = type_;
  spec.vcpus = inputs_.vcpus;
  spec.pages = static_cast<uint32_t>(inputs_.memory_mib * kMiB / kPageSize);
  return spec;
}

migration::Host& GuestRun::host() {
  if (!host_) host_.emplace(session_.dom0());
  return *host_;
}

BuiltKernel GuestRun::take_over(const migration::RestoredDomain& restored) {
  if (!restored.store || !restored.console) throw ToolstackError("the saved kernel has no console or no store");
  const migration::Tools tools = host().tools();
  const auto serve = [&](const migration::RestoredRing& ring) -> toolstack::ServedRing {
    return {migration::machine_frames(tools, restored, std::span(&ring.frame, 1)).front(),
            tools.control.bind_port(restored.id, ring.port)};
  };
  return {restored.id, {serve(*restored.store), serve(*restored.console)}};
}

/// Console and store, from domain 0's side.
void GuestRun::connect() {
  Machine& machine = session_.machine();
  const toolstack::KernelRings& rings = guest_->built.rings;
  devices_ = std::make_unique<GuestDevices>(guest_->built.id, inputs_.memory_mib, ring_of(machine, rings.console),
                                            ring_of(machine, rings.store));
}

SavedGuest GuestRun::save(migration::ByteSink& sink) {
  SavedGuest saved;
  saved.spec = spec();
  saved.kernel = SavedKernel{inputs_.kernel.filename().string()};
  saved.saved_on = inputs_.core.filename().string();
  save_report_ = host().save(domain(), sink);
  return saved;
}

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
