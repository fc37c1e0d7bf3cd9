#include "sim/hosts/traffic.hpp"

#include <cstddef>

#include "sim/abi/page_entry.hpp"
#include "sim/toolstack/privileged.hpp"

namespace assay::hosts {

namespace {

constexpr uint32_t kRef = 8;  ///< the first that is reserved for nobody
/// What the partner alone writes lies in the second page.
constexpr uint64_t kInbox = kPageSize;
constexpr uint64_t kUserLeaf = kLeafRw | kPteUser;

void update_mapping(const GuestCalls& calls, Gva va, uint64_t entry) {
  const int64_t result =
      calls.vcpu().hypercall(__HYPERVISOR_update_va_mapping, {va.raw(), entry, UVMF_INVLPG | UVMF_ALL});
  toolstack::must(result, "update_va_mapping");
}

void close_port(const GuestCalls& calls, uint32_t port) {
  evtchn_close close{port};
  calls.must(__HYPERVISOR_event_channel_op, EVTCHNOP_close, close, "close");
}

}  // namespace

Traffic::Traffic(Domain& guest) : guest_(guest), table_(guest.alloc_pages(1)), shared_(guest.alloc_pages(kGrants)) {}

std::string Traffic::connect(Partner& partner) {
  partner_ = &partner;
  evtchn_alloc_unbound offer{DOMID_SELF, partner.calls.guest().id().raw(), 0};
  guest_.must(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, offer, "alloc_unbound");
  port_ = offer.port;
  evtchn_bind_interdomain bind{guest_.guest().id().raw(), port_, 0};
  partner.calls.must(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, bind, "bind_interdomain");
  partner_port_ = bind.local_port;
  static_cast<void>(guest_.take_event(port_));
  static_cast<void>(partner.calls.take_event(partner_port_));
  map_table();
  guest_.vcpu().write(shared_, words_);
  for (uint64_t page = 0; page < kGrants; ++page) {
    if (std::string said = grant(page); !said.empty()) return said;
  }
  return "";
}

Gva Traffic::entry(uint64_t page) const {
  return table_ + (kRef + page) * sizeof(grant_entry_v1_t);
}

void Traffic::map_table() {
  if (guest_.guest().type() == GuestType::kPvh) {
    xen_add_to_physmap add{};
    add.domid = DOMID_SELF;
    add.space = XENMAPSPACE_grant_table;
    add.gpfn = guest_.guest().pfn_of(table_).raw();
    return guest_.must(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, add, "add_to_physmap");
  }
  table_entry_ = guest_.guest().gfn_of(table_).raw() << kPageShift | kUserLeaf;
  gnttab_setup_table setup{};
  setup.dom = DOMID_SELF;
  setup.nr_frames = 1;
  toolstack::set_handle(setup.frame_list, shared_);
  guest_.must_grant(GNTTABOP_setup_table, setup, "setup_table");
  const auto frame = guest_.vcpu().read<uint64_t>(shared_);
  update_mapping(guest_, table_, frame << kPageShift | kUserLeaf);
}

void Traffic::unmap_table() {
  if (guest_.guest().type() == GuestType::kPv64) return update_mapping(guest_, table_, table_entry_);
  xen_remove_from_physmap remove{};
  remove.domid = DOMID_SELF;
  remove.gpfn = guest_.guest().pfn_of(table_).raw();
  guest_.must(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, remove, "remove_from_physmap");
}

std::string Traffic::grant(uint64_t page) {
  const bool is_in_use = guest_.vcpu().read<grant_entry_v1_t>(entry(page)).flags != 0;
  grant_entry_v1_t made{0, partner_->calls.guest().id().raw(),
                        static_cast<uint32_t>(guest_.guest().gfn_of(shared_ + page * kPageSize).raw())};
  guest_.vcpu().write(entry(page), made);
  made.flags = GTF_permit_access;
  guest_.vcpu().write(entry(page), made.flags);
  gnttab_map_grant_ref map{};
  map.host_addr = (partner_->window + page * kPageSize).raw();
  map.flags = GNTMAP_host_map;
  map.ref = kRef + static_cast<uint32_t>(page);
  map.dom = guest_.guest().id().raw();
  partner_->calls.must_grant(GNTTABOP_map_grant_ref, map, "map_grant_ref");
  handles_[page] = map.handle;
  return is_in_use ? "the grant table of a domain that was never here has an entry in use" : "";
}

void Traffic::send(const GuestCalls& calls, uint32_t port) const {
  evtchn_send send{port};
  calls.must(__HYPERVISOR_event_channel_op, EVTCHNOP_send, send, "send");
}

/// The partner's end.
void Traffic::let_go() {
  for (uint64_t page = 0; page < kGrants; ++page) {
    gnttab_unmap_grant_ref unmap{};
    unmap.host_addr = (partner_->window + page * kPageSize).raw();
    unmap.handle = handles_[page];
    partner_->calls.must_grant(GNTTABOP_unmap_grant_ref, unmap, "unmap_grant_ref");
  }
  close_port(partner_->calls, partner_port_);
}

void Traffic::disconnect() {
  if (partner_ == nullptr) return;
  partner_->calls.vcpu().write(partner_->window + kInbox, ++words_);
  let_go();
  for (uint64_t page = 0; page < kGrants; ++page) guest_.vcpu().write(entry(page), grant_entry_v1_t{});
  unmap_table();
  close_port(guest_, port_);
  partner_ = nullptr;
}

void Traffic::leave_open() {
  static_cast<void>(guest_.take_event(port_));
  unmap_table();
  send(partner_->calls, partner_port_);
}

std::string Traffic::go_on() {
  map_table();
  constexpr uint16_t kMapped = GTF_permit_access | GTF_reading | GTF_writing;
  for (uint64_t page = 0; page < kGrants; ++page) {
    const uint16_t flags = guest_.vcpu().read<grant_entry_v1_t>(entry(page)).flags;
    if (flags != kMapped) return "a grant that the partner has mapped says " + std::to_string(flags);
  }
  return guest_.take_event(port_) ? "" : "an event that came while the guest was suspended is lost";
}

std::string Traffic::bury(const std::function<bool()>& is_there) {
  if (!is_there()) return "a domain whose memory a partner has mapped is gone";
  if (partner_->calls.vcpu().read<uint64_t>(partner_->window) != words_) {
    return "what a partner has mapped of a domain that was destroyed has changed";
  }
  evtchn_status status{};
  status.dom = DOMID_SELF;
  status.port = partner_port_;
  partner_->calls.must(__HYPERVISOR_event_channel_op, EVTCHNOP_status, status, "status");
  if (status.status != EVTCHNSTAT_unbound) {
    return "a channel to a domain that was destroyed has status " + std::to_string(status.status);
  }
  send(partner_->calls, partner_port_);  // to nobody, which is no error
  let_go();
  partner_ = nullptr;
  return "";
}

std::string Traffic::exercise() {
  const uint64_t word = ++words_;
  guest_.vcpu().write(shared_, word);
  send(guest_, port_);
  if (!partner_->calls.take_event(partner_port_)) return "the partner did not get the guest's event";
  if (partner_->calls.vcpu().read<uint64_t>(partner_->window) != word)
    return "the partner does not see what the guest wrote";
  partner_->calls.vcpu().write(partner_->window + sizeof word, ~word);
  send(partner_->calls, partner_port_);
  if (!guest_.take_event(port_)) return "the guest did not get the partner's event";
  const auto answer = guest_.vcpu().read<uint64_t>(shared_ + sizeof word);
  return answer == ~word ? "" : "the guest does not see what the partner wrote";
}

}  // namespace assay::hosts
