/// What the ABI says of event channels, grants, console and store across a suspension, on whatever target the program
/// was linked for. Source: public/sched.h (SHUTDOWN_suspend), public/xen.h (struct start_info), public/hvm/params.h.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "sim/abi/page_entry.hpp"
#include "sim/abi/xen.hpp"
#include "sim/toolstack/migration/guest_suspension.hpp"
#include "sim/toolstack/migration/testing/moving_test.hpp"

namespace assay::migration {
namespace {

using testing::Moving;

class SuspensionAbi : public testing::MovingTestOfType {
 protected:
  void SetUp() override {
    MovingTestOfType::SetUp();
    if (IsSkipped()) return;
    moving_.emplace(target(), GetParam());
    guest_ = &moving_->create();
  }
  Moving& moving() { return *moving_; }
  Domain& guest() { return *guest_; }

  /// The guest goes on in another domain; here it is gone.
  void move(uint64_t given_up = 0) {
    moving().suspend(guest());
    const Bytes stream = moving().save(guest(), given_up);
    const GuestSpace space = guest().space();
    const Gva heap = guest().heap_mark();
    target().destroy_guest(guest());
    restored_ = moving().restore(stream);
    guest_ = &moving().adopt(restored_, space, heap);
    ASSERT_EQ(wake_guest(guest(), kPatienceNs), Woken::kRestored);
  }
  [[nodiscard]] const RestoredDomain& restored() const { return restored_; }

  /// A hypercall with a structure, which is read back.
  template <typename T>
  int64_t call(Domain& domain, uint32_t number, uint32_t command, T& argument, bool has_count = false) {
    const Gva at = domain.alloc_pages(1);
    domain.vcpu(0).write(at, argument);
    const int64_t result = has_count ? domain.vcpu(0).hypercall(number, {command, at.raw(), 1})
                                     : domain.vcpu(0).hypercall(number, {command, at.raw()});
    argument = domain.vcpu(0).template read<T>(at);
    return result;
  }
  uint32_t alloc_unbound(DomId remote = DomId{DOMID_SELF}) {
    evtchn_alloc_unbound alloc{};
    alloc.dom = DOMID_SELF;
    alloc.remote_dom = remote.raw();
    EXPECT_EQ(call(guest(), __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, alloc), 0);
    return alloc.port;
  }
  uint32_t status_of(uint32_t port) {
    evtchn_status status{};
    status.dom = DOMID_SELF;
    status.port = port;
    EXPECT_EQ(call(guest(), __HYPERVISOR_event_channel_op, EVTCHNOP_status, status), 0);
    return status.status;
  }

  /// The first frame of the grant table, at a page of the guest's that is given up for it.
  Gva map_grant_table() {
    const Gva page = guest().alloc_pages(1);
    if (GetParam() == GuestType::kPvh) {
      xen_add_to_physmap add{};
      add.domid = DOMID_SELF;
      add.space = XENMAPSPACE_grant_table;
      add.gpfn = guest().pfn_of(page).raw();
      EXPECT_EQ(call(guest(), __HYPERVISOR_memory_op, XENMEM_add_to_physmap, add), 0);
      return page;
    }
    const Gva list = guest().alloc_pages(1);
    gnttab_setup_table setup{};
    setup.dom = DOMID_SELF;
    setup.nr_frames = 1;
    std::memcpy(&setup.frame_list, &list, sizeof list);
    EXPECT_EQ(call(guest(), __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, setup, true), 0);
    EXPECT_EQ(setup.status, GNTST_okay);
    map_pv(page, guest().vcpu(0).read<uint64_t>(list));
    return page;
  }
  void map_pv(Gva page, uint64_t mfn) {
    const uint64_t entry = mfn << kPageShift | kLeafRw;
    EXPECT_EQ(guest().vcpu(0).hypercall(__HYPERVISOR_update_va_mapping, {page.raw(), entry, UVMF_INVLPG | UVMF_ALL}),
              0);
  }
  /// What domain 0 gets when it copies eight bytes out of what this reference grants.
  int16_t copy_status(grant_ref_t ref) {
    Domain& dom0 = target().dom0();
    gnttab_copy copy{};
    copy.source.u.ref = ref;
    copy.source.domid = guest().id().raw();
    copy.dest.u.gmfn = dom0.gfn_of(dom0.alloc_pages(1)).raw();
    copy.dest.domid = DOMID_SELF;
    copy.len = 8;
    copy.flags = GNTCOPY_source_gref;
    EXPECT_EQ(call(dom0, __HYPERVISOR_grant_table_op, GNTTABOP_copy, copy, true), 0);
    return copy.status;
  }
  /// Domain 0 binds to a port of the guest's and sends: the first result that is none, or 0.
  int64_t signal_from_dom0(uint32_t port) {
    evtchn_bind_interdomain bind{};
    bind.remote_dom = guest().id().raw();
    bind.remote_port = port;
    const int64_t bound = call(target().dom0(), __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, bind);
    if (bound != 0) return bound;
    evtchn_send send{bind.local_port};
    return call(target().dom0(), __HYPERVISOR_event_channel_op, EVTCHNOP_send, send);
  }
  /// As a guest that has them and suspends itself leaves them: PV64 as pfns in start_info, PVH as parameters.
  void have_rings(Gva store, Gva console) {
    const uint64_t store_pfn = guest().pfn_of(store).raw(), console_pfn = guest().pfn_of(console).raw();
    if (GetParam() == GuestType::kPvh) {
      const Tools tools = moving().host().tools();
      tools.control.set_hvm_param(guest().id(), HVM_PARAM_STORE_PFN, store_pfn);
      tools.control.set_hvm_param(guest().id(), HVM_PARAM_CONSOLE_PFN, console_pfn);
      return;
    }
    auto info = guest().vcpu(0).read<start_info>(guest().space().start_info);
    info.store_mfn = store_pfn;
    info.console.domU.mfn = console_pfn;
    guest().vcpu(0).write(guest().space().start_info, info);
  }
  /// What the restored guest finds: frame and port of its store and of its console.
  std::pair<RestoredRing, RestoredRing> rings_of_guest() {
    if (GetParam() == GuestType::kPv64) {
      const auto info = guest().vcpu(0).read<start_info>(guest().space().start_info);
      return {{info.store_mfn, info.store_evtchn}, {info.console.domU.mfn, info.console.domU.evtchn}};
    }
    const auto param = [&](uint32_t index) {
      xen_hvm_param get{};
      get.domid = DOMID_SELF;
      get.index = index;
      EXPECT_EQ(call(guest(), __HYPERVISOR_hvm_op, HVMOP_get_param, get), 0);
      return get.value;
    };
    return {{param(HVM_PARAM_STORE_PFN), static_cast<uint32_t>(param(HVM_PARAM_STORE_EVTCHN))},
            {param(HVM_PARAM_CONSOLE_PFN), static_cast<uint32_t>(param(HVM_PARAM_CONSOLE_EVTCHN))}};
  }
  bool is_pending(uint32_t port) {
    const Gva words = guest().shared_info() + offsetof(shared_info, evtchn_pending);
    return (guest().vcpu(0).read<uint64_t>(words + port / 64 * 8) >> port % 64 & 1) != 0;
  }

  static constexpr grant_ref_t kRef = 9;

 private:
  std::optional<Moving> moving_;
  Domain* guest_ = nullptr;
  RestoredDomain restored_;
};

TEST_P(SuspensionAbi, PortsAreClosed_AndCanBeBoundAnew) {
  const uint32_t port = alloc_unbound();
  ASSERT_EQ(status_of(port), uint32_t{EVTCHNSTAT_unbound});
  move();
  EXPECT_EQ(status_of(port), uint32_t{EVTCHNSTAT_closed});
  EXPECT_FALSE(is_pending(port));
  EXPECT_EQ(alloc_unbound(), port) << "the lowest free one";
  EXPECT_EQ(status_of(port), uint32_t{EVTCHNSTAT_unbound});
}

TEST_P(SuspensionAbi, GrantTableIsEmpty_AndCanBeFilledAnew) {
  const bool is_pvh = GetParam() == GuestType::kPvh;
  const Gva granted = guest().alloc_pages(1);
  const auto grant = [&](Gva table) {
    const grant_entry_v1 entry{GTF_permit_access, 0, static_cast<uint32_t>(guest().gfn_of(granted).raw())};
    guest().vcpu(0).write(table + kRef * sizeof entry, entry);
  };
  const Gva table = map_grant_table();
  grant(table);
  ASSERT_EQ(copy_status(kRef), GNTST_okay);
  // As guests do: no frame of the hypervisor's may stand in page tables that are saved. PVH: that gfn is not sent.
  if (!is_pvh) map_pv(table, guest().gfn_of(table).raw());
  move(is_pvh ? 1 : 0);
  EXPECT_NE(copy_status(kRef), GNTST_okay);
  grant(map_grant_table());
  EXPECT_EQ(copy_status(kRef), GNTST_okay);
}

TEST_P(SuspensionAbi, ConsoleAndStore_KeepTheirPagesAndGetFreshPorts) {
  const Gva store = guest().alloc_pages(1), console = guest().alloc_pages(1);
  have_rings(store, console);
  move();
  ASSERT_TRUE(restored().store && restored().console);
  EXPECT_EQ(*restored().store, (RestoredRing{guest().gfn_of(store).raw(), restored().store->port}));
  EXPECT_EQ(*restored().console, (RestoredRing{guest().gfn_of(console).raw(), restored().console->port}));
  EXPECT_NE(restored().store->port, restored().console->port);
  const auto [told_store, told_console] = rings_of_guest();
  EXPECT_EQ(told_store, *restored().store);
  EXPECT_EQ(told_console, *restored().console);
  for (const uint32_t port : {told_store.port, told_console.port}) {
    EXPECT_EQ(status_of(port), uint32_t{EVTCHNSTAT_unbound});
    EXPECT_EQ(signal_from_dom0(port), 0);
    EXPECT_TRUE(is_pending(port));
  }
}

/// Its handlers are found where they were: callbacks of a PV64 guest, descriptor tables of a PVH guest.
TEST_P(SuspensionAbi, RestoredGuest_TakesUpcalls) {
  move();
  const uint32_t port = alloc_unbound(DomId{0});
  evtchn_unmask unmask{port};
  ASSERT_EQ(call(guest(), __HYPERVISOR_event_channel_op, EVTCHNOP_unmask, unmask), 0);
  const uint64_t before = guest().vcpu(0).upcalls().count;
  guest().vcpu(0).set_upcalls(true);
  ASSERT_EQ(signal_from_dom0(port), 0);
  EXPECT_TRUE(guest().vcpu(0).wait_upcalls(before + 1, kPatienceNs));
}

TEST_P(SuspensionAbi, GuestWithoutRings_GetsNone) {
  move();
  EXPECT_FALSE(restored().store || restored().console);
}

INSTANTIATE_TEST_SUITE_P(Type, SuspensionAbi, ::testing::Values(GuestType::kPv64, GuestType::kPvh),
                         [](const auto& type) { return std::string(to_string(type.param)); });

}  // namespace
}  // namespace assay::migration
