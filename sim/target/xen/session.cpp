#include "sim/target/xen/session.hpp"

#include <utility>

#include "sim/abi/xen.hpp"

namespace assay::xen {

namespace {

constexpr DomId kDom0{0};
constexpr uint64_t kListenLimitNs = 10'000'000'000;
/// How long an operation that a case left behind on dom0 may still take before a fresh boot is cheaper.
constexpr uint64_t kSettleLimitNs = 200'000'000;

template <typename T>
T read_at(MailboxPort& port, uint64_t va) {
  T value{};
  GuestRequest request;
  request.op = ASSAY_OP_READ;
  request.arg = {va, sizeof value};
  request.out = std::as_writable_bytes(std::span(&value, 1));
  GuestReply reply;
  port.execute(request, reply, kListenLimitNs);
  if (reply.status != ASSAY_STATUS_OK) throw HarnessFault("dom0's agent cannot read its own start_info");
  return value;
}

}  // namespace

Session::Session(const XenOptions& options, const AgentImage& dom0_image)
    : machine_(options), layout_(dom0_image.layout), dom0_mailbox_(machine_.await_dom0()) {
  adopt_dom0();
}

Session::~Session() = default;

MailboxPort::Frames Session::frames_of(const std::vector<Mfn>& frames) const {
  MailboxPort::Frames pointers{};
  if (frames.size() != pointers.size()) throw HarnessFault("a mailbox does not have the expected count of frames");
  for (size_t i = 0; i < pointers.size(); ++i) pointers[i] = machine_.ram().frame(frames[i]);
  return pointers;
}

GuestSpace Session::dom0_space(MailboxPort& port) const {
  GuestSpace space;
  space.layout = layout_;
  space.va_offset = layout_.virt_base;
  space.start_info = Gva{port.boot_info()};
  const auto info = read_at<start_info_t>(port, space.start_info.raw());
  space.p2m = Gva{info.mfn_list};
  // The builder maps the image, the p2m, the page tables and the boot stack, in this order, and nothing behind them.
  space.pages = (info.pt_base + (info.nr_pt_frames + 1) * kPageSize - layout_.virt_base) / kPageSize;
  return space;
}

void Session::adopt_dom0() {
  auto port = std::make_unique<MailboxPort>(kDom0, frames_of(dom0_mailbox_), *this);
  if (!port->listens()) throw HarnessFault("dom0 announced a mailbox that is of another version");
  dom0_port_ = port.get();
  const GuestSpace space = dom0_space(*port);
  dom0_ = std::make_unique<Domain>(kDom0, GuestType::kPv64, space);
  dom0_->add_vcpu(std::move(port));
}

std::string Session::version() {
  const int64_t number = dom0_->vcpu(0).hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0});
  const Gva page = dom0_->alloc_pages(1);
  dom0_->vcpu(0).hypercall(__HYPERVISOR_xen_version, {XENVER_extraversion, page.raw()});
  const auto extra = dom0_->vcpu(0).read<std::array<char, sizeof(xen_extraversion_t)>>(page);
  return std::to_string(number >> 16) + "." + std::to_string(number & 0xffff) + std::string(extra.data());
}

// An operation that the last case left in flight must have come back.
bool Session::settle_dom0() {
  if (!dom0_port_->in_flight()) return true;
  GuestReply reply;
  return dom0_port_->await(reply, kSettleLimitNs);
}

bool Session::clean() {
  machine_.check_alive();
  if (!settle_dom0()) return false;
  adopt_dom0();
  Vcpu& vcpu = dom0_->vcpu(0);
  vcpu.set_upcalls(false);
  const Gva page = dom0_->alloc_pages(1);
  vcpu.write(page, evtchn_reset{DOMID_SELF});
  if (vcpu.hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_reset, page.raw()}) != 0) return false;
  constexpr uint64_t kBitmaps = sizeof(shared_info::evtchn_pending) + sizeof(shared_info::evtchn_mask);
  const Gva info = dom0_->shared_info();
  vcpu.fill(info + offsetof(shared_info, evtchn_pending), kBitmaps, 0);
  adopt_dom0();
  return true;
}

void Session::check_domain(DomId) {}

void Session::explain_silence(DomId domain, const GuestRequest& request) {
  machine_.explain_silence("operation " + std::to_string(request.op) + " of domain " + std::to_string(domain.raw()));
}

}  // namespace assay::xen
