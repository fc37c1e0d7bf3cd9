#include "sim/target/host/session.hpp"

#include <cstring>
#include <string_view>
#include <utility>

#include "sim/abi/xen.hpp"
#include "sim/base/paths.hpp"
#include "sim/engine/interleaving.hpp"
#include "sim/target/host/host_port.hpp"

namespace assay::host {

namespace {

constexpr DomId kDom0{0};
/// Virtual time that a guest may take from its entry to its serving loop.
constexpr uint64_t kGuestBootNs = 1'000'000'000;
/// Part of dom0's heap that the toolstack keeps for itself, as on every target.
constexpr uint64_t kPrivilegedHeapBytes = 1u << 20;

MachineConfig machine_config(const HostOptions& options) {
  MachineConfig config;
  config.pcpus = options.pcpus;
  config.threads_per_core = options.threads_per_core;
  config.cores_per_socket = options.cores_per_socket;
  config.memory_bytes = options.memory_bytes;
  config.arena_bytes = options.arena_bytes;
  config.command_line = options.command_line;
  return config;
}

std::filesystem::path or_artifact(const std::filesystem::path& path, std::string_view name) {
  return path.empty() ? artifact(name) : path;
}

GuestSpace with_heap(const GuestSpace& space, uint64_t start, uint64_t end) {
  GuestSpace part = space;
  part.layout.heap_start = start;
  part.layout.heap_end = end;
  return part;
}

/// dom0's vCPUs start on the first pCPUs; guests get the others, if there are any.
std::vector<uint32_t> guest_pcpus(const HostOptions& options) {
  std::vector<uint32_t> pcpus;
  for (uint32_t pcpu = options.dom0_vcpus; pcpu < options.pcpus; ++pcpu) pcpus.push_back(pcpu);
  return pcpus;
}

std::unique_ptr<SchedulePolicy> make_policy(const HostOptions& options, uint64_t seed) {
  if (options.policy == HostOptions::Policy::kNeverSwitch) return std::make_unique<NeverSwitch>();
  return std::make_unique<RandomWalk>(Rng(seed).fork("sched"), options.walk_one_in);
}

}  // namespace

Session::Session(const CoreObject& core, const HostOptions& options)
    : options_(options),
      dom0_image_(AgentImage::load(or_artifact(options.dom0_image, "agent-dom0.elf"))),
      guest_image_(AgentImage::load(or_artifact(options.guest_image, "agent.elf"))),
      machine_(core, machine_config(options)) {
  try {
    boot_core();
    build_dom0();
    machine_.freeze();
  } catch (const CoreDied& died) {
    throw translate(died);
  }
  console_start_ = machine_.console().size();
  if (has_dom0_) {
    dom0_booted_ = dom0_.vcpus[0]->save();
    adopt_dom0();
  }
}

Session::~Session() = default;

void Session::boot_core() {
  const int result = machine_.boot();
  if (result == 0) return;
  throw TargetDied(TargetDied::How::kExited,
                   "boot returned " + std::to_string(result) + "; its console:\n" + machine_.console());
}

void Session::build_dom0() {
  assay_image image{};
  image.kernel = reinterpret_cast<const uint8_t*>(dom0_image_.file.data());
  image.kernel_bytes = dom0_image_.file.size();
  image.command_line = "";
  image.vcpus = options_.dom0_vcpus;
  image.pages = static_cast<uint32_t>(options_.dom0_bytes / kPageSize);
  const int result = machine_.build_first_domain(image);
  if (result != 0) {
    boot_trouble_ = "build_first_domain returned " + std::to_string(result) + "\n";
    return;
  }
  dom0_.vcpus.push_back(make_vcpu(dom0_image_.layout, GuestType::kPv64, 0));
  HostVcpu& vcpu = *dom0_.vcpus[0];
  machine_.attach(kDom0.raw(), 0, vcpu.executor());
  has_dom0_ = machine_.run_until(vcpu.is_booted(), kGuestBootNs);
  if (!has_dom0_) boot_trouble_ += "dom0 does not reach its serving loop\n";
  boot_trouble_ += vcpu.trouble();
}

GuestSpace Session::dom0_space() {
  GuestSpace space;
  space.layout = dom0_image_.layout;
  space.va_offset = space.layout.virt_base;
  space.pages = (space.layout.image_end - space.va_offset) / kPageSize;
  space.start_info = Gva{dom0_.vcpus[0]->start_info()};
  Domain reader(kDom0, GuestType::kPv64, space);
  Vcpu& vcpu = reader.add_vcpu(port_to(*dom0_.vcpus[0], kDom0));
  start_info_t info{};
  const bool is_readable = !vcpu.read_bytes(space.start_info, std::as_writable_bytes(std::span(&info, 1))).has_value();
  // A core that builds no start_info gives no p2m either; the image itself is there all the same.
  if (!is_readable || std::string_view(info.magic).substr(0, 4) != "xen-") return space;
  space.p2m = Gva{info.mfn_list};
  space.pages = (info.pt_base + (info.nr_pt_frames + 1) * kPageSize - space.va_offset) / kPageSize;
  return space;
}

void Session::adopt_dom0() {
  dom0_space_ = dom0_space();
  const uint64_t heap = dom0_space_.layout.heap_start;
  const uint64_t boundary = heap + kPrivilegedHeapBytes;
  privileged_ = std::make_unique<Domain>(kDom0, GuestType::kPv64, with_heap(dom0_space_, heap, boundary));
  privileged_->add_vcpu(port_to(*dom0_.vcpus[0], kDom0));
  dom0_.domain =
      std::make_unique<Domain>(kDom0, GuestType::kPv64, with_heap(dom0_space_, boundary, dom0_space_.layout.heap_end));
  dom0_.domain->add_vcpu(port_to(*dom0_.vcpus[0], kDom0));
}

std::unique_ptr<HostPort> Session::port_to(HostVcpu& vcpu, DomId domain) {
  return std::make_unique<HostPort>(machine_, vcpu, domain, static_cast<SilenceWatch&>(*this));
}

void Session::explain_silence(DomId domain) {
  if (domain == kDom0 || dom0_.vcpus[0]->is_busy()) return;  // dom0 is who would have to be asked
  xen_domctl op{};
  op.cmd = XEN_DOMCTL_getdomaininfo;
  op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
  op.domain = domain.raw();
  Vcpu& vcpu = privileged_->vcpu(0);
  const Gva page = privileged_->alloc_pages(1);
  vcpu.write(page, op);
  const std::string name = "domain " + std::to_string(domain.raw());
  const bool is_there = vcpu.hypercall(__HYPERVISOR_domctl, {page.raw()}) == 0;
  const auto info = vcpu.read<xen_domctl>(page).u.getdomaininfo;
  if (!is_there || info.domain != domain.raw()) throw TargetDied(TargetDied::How::kDeadAgent, name + " is gone");
  if ((info.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown)) == 0) return;
  const uint32_t reason = info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
  throw TargetDied(TargetDied::How::kDeadAgent, name + " is dead, shutdown reason " + std::to_string(reason));
}

void Session::rewind(uint64_t seed) {
  ++constellation_;
  machine_.rewind();
  toolstack_.reset();
  guests_.clear();
  kernels_.clear();
  try {
    if (has_dom0_) {
      dom0_.vcpus.resize(1);
      dom0_.vcpus[0]->restore(*dom0_booted_);
      adopt_dom0();
    }
    machine_.set_policy(make_policy(options_, seed));
  } catch (const CoreDied& died) {
    throw translate(died);
  }
  machine_.fold(seed);
  seed_ = seed;
}

void Session::steer(uint64_t seed) {
  machine_.set_policy(interleaving(seed));
}

void Session::stop_steering() {
  try {
    machine_.settle();
    machine_.set_policy(make_policy(options_, seed_));
  } catch (const CoreDied& died) {
    throw translate(died);
  }
}

Domain& Session::dom0() {
  if (!has_dom0_) throw HarnessFault("this core has no first domain that takes operations: " + boot_trouble_);
  return *dom0_.domain;
}

Toolstack& Session::toolstack() {
  dom0();
  if (!toolstack_) {
    ++constellation_;
    toolstack_ = std::make_unique<Toolstack>(*privileged_, guest_image_, guest_pcpus(options_));
  }
  return *toolstack_;
}

Domain& Session::create_guest(const GuestSpec& spec) {
  ++constellation_;
  BuiltGuest built = toolstack().build(spec);
  Guest& guest = guests_[built.id];
  guest.domain = std::make_unique<Domain>(built.id, spec.type, built.space);
  open_vcpu(guest, 0, guest_image_.layout);
  for (uint32_t vcpu_id = 1; vcpu_id < spec.vcpus_online; ++vcpu_id) {
    toolstack().bring_up(*guest.domain, vcpu_id);
    open_vcpu(guest, vcpu_id, guest_image_.layout);
  }
  return *guest.domain;
}

Session::Saved Session::saved_executors(const Domain& guest) const {
  Saved saved;
  for (const auto& vcpu : guests_.at(guest.id()).vcpus) saved.push_back(vcpu->save());
  return saved;
}

Domain& Session::adopt_guest(const BuiltGuest& built, GuestType type, const Saved& executors) {
  ++constellation_;
  Guest& guest = guests_[built.id];
  guest.domain = std::make_unique<Domain>(built.id, type, built.space);
  for (uint32_t vcpu_id = 0; vcpu_id < built.mailbox_frames.size(); ++vcpu_id) {
    const HostVcpu::Saved* const there = vcpu_id < executors.size() ? executors[vcpu_id].get() : nullptr;
    adopt_vcpu(guest, vcpu_id, built.space.layout, there);
  }
  return *guest.domain;
}

/// What vCPU 0 is in the middle of ends as soon as it runs; a direct guest has to know of it before.
void Session::adopt_vcpu(Guest& guest, uint32_t vcpu_id, const assay_agent_layout& layout,
                         const HostVcpu::Saved* there) {
  const bool is_direct = options_.guests == HostOptions::Guests::kDirect;
  if (is_direct) {
    guest.vcpus.push_back(make_vcpu(layout, guest.domain->type(), vcpu_id));
    guest.vcpus.back()->expect_reply(there);
    machine_.attach(guest.domain->id().raw(), vcpu_id, guest.vcpus.back()->executor());
    guest.domain->add_vcpu(port_to(*guest.vcpus.back(), guest.domain->id()));
    return;
  }
  open_vcpu(guest, vcpu_id, layout);
  if (vcpu_id == 0 || there != nullptr) guest.vcpus[vcpu_id]->expect_reply(there);
}

std::vector<Guest*> Session::all_guests() {
  std::vector<Guest*> all{&dom0_};
  for (auto& [id, guest] : guests_) all.push_back(&guest);
  return all;
}

Session::Moment Session::take_moment() {
  Moment moment;
  moment.machine = machine_.take_moment();
  moment.constellation = constellation_;
  for (const Guest* const guest : all_guests()) {
    auto& saved = moment.guests.emplace_back();
    saved.heap = guest->domain->heap_mark();
    for (const auto& vcpu : guest->vcpus) saved.vcpus.push_back(vcpu->save());
  }
  moment.privileged_heap = privileged_->heap_mark();
  for (const auto& kernel : kernels_) {
    for (const auto& vcpu : kernel->vcpus) moment.kernels.push_back(vcpu->state());
  }
  return moment;
}

bool Session::go_back(const Moment& moment) {
  if (moment.constellation != constellation_) return false;
  machine_.go_back(moment.machine);
  auto saved = moment.guests.begin();
  for (const Guest* const guest : all_guests()) {
    guest->domain->heap_go_back(saved->heap);
    for (size_t vcpu = 0; vcpu < saved->vcpus.size(); ++vcpu) guest->vcpus[vcpu]->restore(*saved->vcpus[vcpu]);
    ++saved;
  }
  privileged_->heap_go_back(moment.privileged_heap);
  size_t next = 0;
  for (const auto& kernel : kernels_) {
    for (const auto& vcpu : kernel->vcpus) vcpu->set_state(moment.kernels.at(next++));
  }
  return true;
}

std::unique_ptr<HostVcpu> Session::make_vcpu(const assay_agent_layout& layout, GuestType type, uint32_t vcpu_id) {
  if (options_.guests == HostOptions::Guests::kUnicorn) return make_unicorn_vcpu(machine_, layout, vcpu_id);
  return make_direct_vcpu(machine_, layout, type, vcpu_id);
}

KernelGuest& Session::boot_kernel(const GuestSpec& spec, const KernelImage& image, const toolstack::KernelBoot& boot) {
  return adopt_kernel(toolstack().build_kernel(spec, image, boot), spec.vcpus);
}

KernelGuest& Session::adopt_kernel(const BuiltKernel& built, uint32_t vcpus) {
  ++constellation_;
  KernelGuest& kernel = *kernels_.emplace_back(std::make_unique<KernelGuest>());
  kernel.built = built;
  for (uint32_t vcpu_id = 0; vcpu_id < vcpus; ++vcpu_id) {
    kernel.vcpus.push_back(std::make_unique<UnicornGuest>(machine_));
    machine_.attach(built.id.raw(), vcpu_id, *kernel.vcpus.back());
  }
  return kernel;
}

void Session::open_vcpu(Guest& guest, uint32_t vcpu_id, const assay_agent_layout& layout) {
  Domain& domain = *guest.domain;
  guest.vcpus.push_back(make_vcpu(layout, domain.type(), vcpu_id));
  HostVcpu& attached = *guest.vcpus.back();
  machine_.attach(domain.id().raw(), vcpu_id, attached.executor());
  try {
    if (!machine_.run_until(attached.is_booted(), machine_.now_ns() + kGuestBootNs)) {
      throw TargetDied(TargetDied::How::kDeadAgent, "vcpu " + std::to_string(vcpu_id) + " of domain " +
                                                        std::to_string(domain.id().raw()) +
                                                        " does not reach its serving loop\n" + attached.trouble());
    }
  } catch (const CoreDied& died) {
    throw translate(died);
  }
  domain.add_vcpu(port_to(attached, domain.id()));
}

void Session::destroy_guest(Domain& guest) {
  ++constellation_;
  const DomId id = guest.id();
  toolstack().destroy(id);
  const auto found = guests_.find(id);
  if (found == guests_.end()) return;
  for (const auto& vcpu : found->second.vcpus) machine_.detach(vcpu->executor());
  guests_.erase(found);
}

Vcpu& Session::attach_vcpu(Domain& domain, uint32_t vcpu_id) {
  if (vcpu_id != domain.vcpu_count()) throw HarnessFault("vcpus of a domain are attached in the order of their ids");
  ++constellation_;
  const bool is_dom0 = domain.id() == kDom0;
  Guest& guest = is_dom0 ? dom0_ : guests_.at(domain.id());
  open_vcpu(guest, vcpu_id, is_dom0 ? dom0_image_.layout : guest_image_.layout);
  return domain.vcpu(vcpu_id);
}

std::string Session::trouble() const {
  std::string text = boot_trouble_;
  for (const auto& [id, guest] : guests_) {
    for (const auto& vcpu : guest.vcpus) {
      if (!vcpu->trouble().empty()) text += "domain " + std::to_string(id.raw()) + ": " + vcpu->trouble();
    }
  }
  return text;
}

std::string Session::console() const {
  return machine_.console().substr(console_start_);
}

}  // namespace assay::host
