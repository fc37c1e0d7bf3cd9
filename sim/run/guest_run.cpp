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
constexpr StoreCaller kDom0{DomId{0}};

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

SharedPage page_at(Machine& machine, Mfn frame) {
  return SharedPage(machine.memory() + frame.raw() * kPageSize, kPageSize);
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

GuestRun::GuestRun(const GuestRunInputs& inputs, const SavedGuest& saved, migration::ByteSource& source)
    : inputs_(inputs), core_(inputs.core), session_(core_, host_options(inputs)), type_(saved.spec.type) {
  session_.rewind(inputs.seed);
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
  connection_ = std::make_unique<XenStoreConnection>(store_, guest_->built.id);
  store_ring_ = std::make_unique<StoreRing>(page_at(machine, guest_->built.rings.store.frame));
  console_ring_ = std::make_unique<ConsoleRing>(page_at(machine, guest_->built.rings.console.frame));
  introduce();
}

void GuestRun::ask_to_suspend() {
  const std::string path = "/local/domain/" + std::to_string(domain().raw()) + "/control/shutdown";
  static_cast<void>(store_.write(kDom0, path, "suspend"));
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
  XenStore store;
  XenStoreConnection connection;
  StoreRing store_ring;
  ConsoleRing console_ring;
  ConsoleLog log;
  std::string typed, death;
  uint64_t slices;
  GuestEnd end;
};

std::shared_ptr<const GuestRun::Moment> GuestRun::take_moment() {
  return std::make_shared<Moment>(Moment{session_.take_moment(), store_, *connection_, *store_ring_, *console_ring_,
                                         log_, typed_, death_, slices_, end_});
}

void GuestRun::go_back(const Moment& moment) {
  if (!session_.go_back(moment.session)) throw HarnessFault("a moment of another guest");
  store_ = moment.store;
  *connection_ = moment.connection;
  *store_ring_ = moment.store_ring;
  *console_ring_ = moment.console_ring;
  log_ = moment.log;
  typed_ = moment.typed;
  death_ = moment.death;
  slices_ = moment.slices;
  end_ = moment.end;
}

/// What a toolstack writes into the store for a new domain.
void GuestRun::introduce() {
  const DomId id = guest_->built.id;
  const std::string home = "/local/domain/" + std::to_string(id.raw());
  const auto put = [&](const std::string& path, const std::string& value, StoreAccess others) {
    static_cast<void>(store_.write(kDom0, home + path, value));
    // Owned by domain 0, readable by the guest; or the guest's own.
    const StorePermissions permissions = others == StoreAccess::kBoth
                                             ? StorePermissions{{id, StoreAccess::kNone}}
                                             : StorePermissions{{DomId{0}, StoreAccess::kNone}, {id, others}};
    static_cast<void>(store_.set_permissions(kDom0, home + path, permissions));
  };
  put("", "", StoreAccess::kRead);
  put("/name", "guest", StoreAccess::kRead);
  put("/domid", std::to_string(id.raw()), StoreAccess::kRead);
  put("/memory", "", StoreAccess::kRead);
  put("/memory/target", std::to_string(inputs_.memory_mib << 10), StoreAccess::kRead);
  put("/memory/static-max", std::to_string(inputs_.memory_mib << 10), StoreAccess::kRead);
  put("/console", "", StoreAccess::kRead);
  put("/console/type", "xenconsoled", StoreAccess::kRead);
  put("/control", "", StoreAccess::kBoth);
  put("/control/shutdown", "", StoreAccess::kBoth);
  put("/device", "", StoreAccess::kRead);
  put("/data", "", StoreAccess::kBoth);
  store_.introduce(id);
}

void GuestRun::serve_devices() {
  const toolstack::KernelRings& rings = guest_->built.rings;
  const std::string output = console_ring_->take_output();
  log_.append(output);
  size_t typed = 0;
  if (!typed_.empty()) {
    typed = console_ring_->put_input(typed_);
    typed_.erase(0, typed);
  }
  if (!output.empty() || typed != 0) session_.toolstack().notify(rings.console.port);
  if (store_ring_->pump(*connection_)) session_.toolstack().notify(rings.store.port);
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
      serve_devices();
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
  if (end_ != GuestEnd::kRunning && end_ != GuestEnd::kCoreDied) log_.append(console_ring_->take_output());
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
  if (!store_ring_->broken().empty()) text += "store: " + store_ring_->broken() + "\n";
  if (!console_ring_->broken().empty()) text += "console: " + console_ring_->broken() + "\n";
  return text + session_.machine().describe();
}

}  // namespace assay
