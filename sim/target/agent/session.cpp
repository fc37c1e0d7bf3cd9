#include "sim/target/agent/session.hpp"

#include <cstdlib>
#include <utility>

#include "sim/abi/xen.hpp"
#include "sim/target/agent/dom0_traces.hpp"
#include "sim/target/agent/host_clock.hpp"
#include "sim/toolstack/privileged.hpp"

namespace assay::agents {

namespace {

constexpr DomId kDom0{0};
/// Part of dom0's heap that the toolstack and this target keep for themselves.
constexpr uint64_t kPrivilegedHeapBytes = 1u << 20;

/// A PV64 domain's frames are machine frames for everybody.
MailboxPlace pv_place(DomId domain, const std::vector<Mfn>& frames) {
  MailboxPlace place{domain, frames, {}};
  for (const Mfn frame : frames) place.foreign.emplace_back(frame.raw());
  return place;
}

GuestSpace with_heap(const GuestSpace& space, uint64_t start, uint64_t end) {
  GuestSpace part = space;
  part.layout.heap_start = start;
  part.layout.heap_end = end;
  return part;
}

}  // namespace

class Session::Dom0Port : public MailboxPort {
 public:
  Dom0Port(Mailbox& mailbox, Session& session) : MailboxPort(mailbox), session_(&session) {}
  void start(const GuestRequest& request) override {
    session_->has_traces_ |= leaves_traces(request, 0);
    MailboxPort::start(request);
  }
  bool execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) override {
    MailboxPort::execute(request, reply, timeout_ns);
    session_->has_traces_ |= leaves_traces(request, static_cast<int64_t>(reply.value[0]));
    return true;
  }

 private:
  Session* session_;
};

Session::Session(Boot& boot, const Images& images, const SessionOptions& options) : boot_(boot) {
  make_sleeps_precise();
  dom0_mailboxes_.push_back(boot_.open(pv_place(kDom0, boot_.await_dom0()), *this));
  dom0_mailboxes_[0]->await_listener();
  dom0_space_.layout = images.dom0.layout;
  dom0_space_.layout.heap_end -= options.dom0_heap_kept_bytes;
  dom0_space_ = dom0_space();
  const assay_agent_layout& layout = dom0_space_.layout;
  privileged_ = std::make_unique<Domain>(
      kDom0, GuestType::kPv64, with_heap(dom0_space_, layout.heap_start, layout.heap_start + kPrivilegedHeapBytes));
  privileged_->add_vcpu(std::make_unique<MailboxPort>(*dom0_mailboxes_[0]));
  scratch_ = privileged_->alloc_pages(1);
  toolstack_ = std::make_unique<Toolstack>(*privileged_, images.guest, options.guest_pcpus);
  dom0_pages_ = domain_info(kDom0)->tot_pages;
  adopt_dom0();
}

Session::~Session() = default;

MailboxPlace Session::place(const Guest& guest, uint32_t vcpu_id) const {
  MailboxPlace place = pv_place(guest.built.id, guest.built.mailbox_frames[vcpu_id]);
  if (guest.domain->type() == GuestType::kPv64) return place;
  const assay_agent_layout& layout = guest.built.space.layout;
  const Gva box{layout.mailboxes + vcpu_id * layout.mailbox_stride};
  for (unsigned i = 0; i < kMailboxFrames; ++i) {
    place.foreign[i] = Gfn{guest.domain->pfn_of(box + i * kPageSize).raw()};
  }
  return place;
}

GuestSpace Session::dom0_space() {
  GuestSpace space = dom0_space_;
  space.va_offset = space.layout.virt_base;
  space.start_info = Gva{dom0_mailboxes_[0]->boot_info()};
  Domain reader(kDom0, GuestType::kPv64, space);
  const auto info =
      reader.add_vcpu(std::make_unique<MailboxPort>(*dom0_mailboxes_[0])).read<start_info_t>(space.start_info);
  space.p2m = Gva{info.mfn_list};
  // The builder maps the image, the p2m, the page tables and the boot stack, in this order, and nothing behind them.
  space.pages = (info.pt_base + (info.nr_pt_frames + 1) * kPageSize - space.va_offset) / kPageSize;
  return space;
}

void Session::adopt_dom0() {
  const assay_agent_layout& layout = dom0_space_.layout;
  const GuestSpace space = with_heap(dom0_space_, layout.heap_start + kPrivilegedHeapBytes, layout.heap_end);
  dom0_ = std::make_unique<Domain>(kDom0, GuestType::kPv64, space);
  dom0_->add_vcpu(std::make_unique<Dom0Port>(*dom0_mailboxes_[0], *this));
}

std::string Session::version() {
  Vcpu& vcpu = privileged_->vcpu(0);
  const int64_t number = vcpu.hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0});
  vcpu.hypercall(__HYPERVISOR_xen_version, {XENVER_extraversion, scratch_.raw()});
  const auto extra = vcpu.read<std::array<char, sizeof(xen_extraversion_t)>>(scratch_);
  return std::to_string(number >> 16) + "." + std::to_string(number & 0xffff) + std::string(extra.data());
}

Session::Guest& Session::add_guest(const BuiltGuest& built, GuestType type) {
  Guest& guest = guests_[built.id];
  guest = Guest{built, {}, nullptr};
  guest.domain = std::make_unique<Domain>(built.id, type, built.space);
  guest.mailboxes.resize(built.mailbox_frames.size());
  return guest;
}

Domain& Session::adopt_guest(const BuiltGuest& built, GuestType type) {
  Guest& guest = add_guest(built, type);
  for (uint32_t vcpu_id = 0; vcpu_id < built.mailbox_frames.size(); ++vcpu_id) open_vcpu(guest, vcpu_id);
  guest.mailboxes[0]->expect_reply();
  return *guest.domain;
}

Domain& Session::create_guest(const GuestSpec& spec) {
  Guest& guest = add_guest(toolstack_->build(spec), spec.type);
  open_vcpu(guest, 0);
  for (uint32_t vcpu_id = 1; vcpu_id < spec.vcpus_online; ++vcpu_id) {
    toolstack_->bring_up(*guest.domain, vcpu_id);
    open_vcpu(guest, vcpu_id);
  }
  return *guest.domain;
}

void Session::open_vcpu(Guest& guest, uint32_t vcpu_id) {
  if (vcpu_id >= guest.mailboxes.size()) throw HarnessFault("the guest has no vcpu " + std::to_string(vcpu_id));
  std::unique_ptr<Mailbox> mailbox = boot_.open(place(guest, vcpu_id), *this);
  mailbox->await_listener();
  guest.mailboxes[vcpu_id] = std::move(mailbox);
  guest.domain->add_vcpu(std::make_unique<MailboxPort>(*guest.mailboxes[vcpu_id]));
}

void Session::destroy_guest(Domain& guest) {
  const DomId id = guest.id();
  guests_.at(id).mailboxes.clear();  // an open mailbox may be a reference that keeps the domain from going
  toolstack_->destroy(id);
  guests_.erase(id);
}

MailboxPlace Session::dom0_place(uint32_t vcpu_id) {
  std::vector<Mfn> frames;
  const Gva box{dom0_space_.layout.mailboxes + vcpu_id * dom0_space_.layout.mailbox_stride};
  for (unsigned i = 0; i < kMailboxFrames; ++i) {
    frames.emplace_back(privileged_->gfn_of(box + i * kPageSize).raw());
  }
  return pv_place(kDom0, frames);
}

Vcpu& Session::attach_vcpu(Domain& domain, uint32_t vcpu_id) {
  if (vcpu_id != domain.vcpu_count()) throw HarnessFault("vcpus of a domain are attached in the order of their ids");
  if (domain.id() != kDom0) {
    open_vcpu(guests_.at(domain.id()), vcpu_id);
    return domain.vcpu(vcpu_id);
  }
  if (vcpu_id >= dom0_mailboxes_.size()) {
    dom0_mailboxes_.push_back(boot_.open(dom0_place(vcpu_id), *this));
  }
  dom0_mailboxes_[vcpu_id]->await_listener();
  return domain.add_vcpu(std::make_unique<Dom0Port>(*dom0_mailboxes_[vcpu_id], *this));
}

std::optional<xen_domctl_getdomaininfo> Session::domain_info(DomId first) {
  xen_domctl op{};
  op.cmd = XEN_DOMCTL_getdomaininfo;
  op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
  op.domain = first.raw();
  Vcpu& vcpu = privileged_->vcpu(0);
  vcpu.write(scratch_, op);
  if (vcpu.hypercall(__HYPERVISOR_domctl, {scratch_.raw()}) != 0) return std::nullopt;
  return vcpu.read<xen_domctl>(scratch_).u.getdomaininfo;
}

bool Session::press_debug_key(char key) {
  if (dom0_mailboxes_[0]->in_flight()) return false;
  const Gva keys = scratch_ + sizeof(xen_sysctl);
  xen_sysctl op = toolstack::make_sysctl(XEN_SYSCTL_debug_keys);
  toolstack::set_handle(op.u.debug_keys.keys, keys);
  op.u.debug_keys.nr_keys = 1;
  Vcpu& vcpu = privileged_->vcpu(0);
  vcpu.write(keys, key);
  vcpu.write(scratch_, op);
  return vcpu.hypercall(__HYPERVISOR_sysctl, {scratch_.raw()}) == 0;
}

void Session::check_domain(DomId domain) {
  // dom0's own death is seen on the console; a busy dom0 cannot be asked.
  if (domain == kDom0 || dom0_mailboxes_[0]->in_flight()) return;
  const auto info = domain_info(domain);
  const std::string name = "domain " + std::to_string(domain.raw());
  if (!info || info->domain != domain.raw()) {
    throw TargetDied(TargetDied::How::kDeadAgent, name + " is gone\n" + boot_.evidence());
  }
  if ((info->flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown)) == 0) return;
  const uint32_t reason = (info->flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask;
  throw TargetDied(TargetDied::How::kDeadAgent,
                   name + " is dead, shutdown reason " + std::to_string(reason) + "\n" + boot_.evidence());
}

void Session::explain_silence(DomId domain, const std::string& what) {
  boot_.check_alive();
  check_domain(domain);
  boot_.explain_silence(what + " of domain " + std::to_string(domain.raw()));
  std::abort();  // a virtual function's [[noreturn]] is not seen through a reference
}

}  // namespace assay::agents
