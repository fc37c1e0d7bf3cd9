/// How domains stop and go: shutdown, crash, resume, teardown, zombies.
#include "hv/domain/lifecycle.hpp"

#include "hv/domain/domain_list.hpp"
#include "hv/domain/info.hpp"
#include "hv/domain/pause.hpp"
#include "hv/domain/soft_reset.hpp"
#include "hv/domain/testing/system.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv::testing {

namespace {

class LifecycleTest : public SystemTest {
 protected:
  LifecycleTest() : guest_(make(DomId{1}, GuestKind::kHvm, 2)) {
    const Result<Port> port = evtchn_bind_virq(*control_->events, VIRQ_DOM_EXC, 0);
    EXPECT_TRUE(port.ok());
    dom_exc_ = *port;
  }

  bool take_dom_exc() {
    const bool pending = control_->events->delivery->is_pending(*control_->events, dom_exc_);
    control_->shared_info()->evtchn_pending[0] = 0;
    control_->vcpus[0]->info->evtchn_pending_sel = 0;
    control_->vcpus[0]->info->evtchn_upcall_pending = 0;
    return pending;
  }

  static bool never(void*) { return false; }
  static bool always(void*) { return true; }
  static TeardownProgress destroy(Domain& domain) { return destroy_domain(domain, never, nullptr); }

  Domain* guest_;
  Port dom_exc_{};
};

}  // namespace

TEST_F(LifecycleTest, Shutdown_StopsEveryVcpu_FirstCodeWins_RaisesDomExc) {
  shutdown_domain(*guest_, SHUTDOWN_reboot);
  EXPECT_TRUE(take_dom_exc());
  EXPECT_TRUE(guest_->shut_down);
  EXPECT_EQ(guest_->shutdown_code, SHUTDOWN_reboot);
  for (uint32_t i = 0; i < 2; ++i) EXPECT_NE(guest_->vcpus[i]->pause_flags & kPauseShutdown, 0u);
  shutdown_domain(*guest_, SHUTDOWN_crash);
  EXPECT_EQ(guest_->shutdown_code, SHUTDOWN_reboot);
  EXPECT_FALSE(take_dom_exc());
}

TEST_F(LifecycleTest, Suspend_TellsTheSubscriberOnly) {
  const Result<Port> ours = evtchn_alloc_unbound(*guest_->events, control_->id, true);
  const Result<Port> theirs = evtchn_bind_interdomain(*control_->events, *guest_->events, *ours);
  ASSERT_TRUE(theirs.ok());
  control_->shared_info()->evtchn_pending[0] = 0;
  guest_->suspend_port = *ours;
  shutdown_domain(*guest_, SHUTDOWN_suspend);
  EXPECT_TRUE(control_->events->delivery->is_pending(*control_->events, *theirs));
  EXPECT_FALSE(take_dom_exc());
}

TEST_F(LifecycleTest, Suspend_SubscriptionToAPortThatIsNone_IsHarmless) {
  guest_->suspend_port = Port{4000};
  shutdown_domain(*guest_, SHUTDOWN_suspend);
  EXPECT_FALSE(take_dom_exc());
  EXPECT_TRUE(guest_->shut_down);
}

TEST_F(LifecycleTest, Resume_ClearsStateAndCode) {
  shutdown_domain(*guest_, SHUTDOWN_suspend);
  resume_domain(*guest_);
  EXPECT_FALSE(guest_->shut_down);
  EXPECT_EQ(guest_->shutdown_code, -1);
  for (uint32_t i = 0; i < 2; ++i) EXPECT_EQ(guest_->vcpus[i]->pause_flags & kPauseShutdown, 0u);
}

TEST_F(LifecycleTest, Crash_SaysWhyOnce) {
  crash_domain(*guest_, "bad %s", "frame");
  crash_domain(*guest_, "again");
  EXPECT_NE(host_.console.find("(XEN) Domain 1 crashed: bad frame\n"), std::string::npos);
  EXPECT_EQ(host_.console.find("again"), std::string::npos);
  EXPECT_EQ(guest_->shutdown_code, SHUTDOWN_crash);
}

TEST_F(LifecycleTest, FirstDomainDown_StopsTheMachine) {
  shutdown_domain(*control_, SHUTDOWN_poweroff);
  EXPECT_NE(host_.console.find("(XEN) Hardware Dom0 halted: halting machine\n"), std::string::npos);
  EXPECT_FALSE(vcpu_runnable(*control_->vcpus[0]));
  EXPECT_NE(guest_->internal_pauses, 0u);
}

TEST_F(LifecycleTest, Destroy_GivesEverythingBack_PeersBecomeUnbound_DomExcAtTheEnd) {
  const size_t arena = arena_in_use();
  const uint64_t frames = frames_free();
  Domain* second = make(DomId{2}, GuestKind::kHvm, 1);
  const Result<Port> theirs = evtchn_alloc_unbound(*second->events, control_->id, true);
  const Result<Port> ours = evtchn_bind_interdomain(*control_->events, *second->events, *theirs);
  ASSERT_TRUE(ours.ok());
  EXPECT_EQ(destroy(*second), TeardownProgress::kDone);
  EXPECT_TRUE(take_dom_exc());
  evtchn_status_t status{};
  ASSERT_TRUE(evtchn_status(*control_->events, *ours, true, status).ok());
  EXPECT_EQ(status.status, uint32_t{EVTCHNSTAT_unbound});
  EXPECT_EQ(status.u.unbound.dom, 2);
  ASSERT_TRUE(evtchn_close(*control_->events, *ours).ok());
  EXPECT_NE(domain_by_id(DomId{2}), nullptr);
  reap_dead_domains();
  EXPECT_EQ(domain_by_id(DomId{2}), nullptr);
  EXPECT_EQ(arena_in_use(), arena);
  EXPECT_EQ(frames_free(), frames);
}

TEST_F(LifecycleTest, Destroy_Preempted_IsDyingAndTakesNothingNew_ThenGoesOn) {
  guest_->memory.max_pages = 2000;
  while (guest_->memory.tot_pages < 1000) ASSERT_TRUE(alloc_domain_frames(guest_->memory, 0).ok());
  EXPECT_EQ(destroy_domain(*guest_, always, nullptr), TeardownProgress::kPreempted);
  EXPECT_EQ(guest_->dying, DyingState::kDying);
  EXPECT_LT(guest_->memory.tot_pages, 1000u);
  EXPECT_GT(guest_->memory.tot_pages, 0u);
  EXPECT_FALSE(alloc_domain_frames(guest_->memory, 0).ok());
  EXPECT_EQ(evtchn_alloc_unbound(*guest_->events, DomId{0}, true).status(), fail(XEN_EINVAL));
  EXPECT_FALSE(take_dom_exc());
  EXPECT_EQ(destroy(*guest_), TeardownProgress::kDone);
  EXPECT_TRUE(take_dom_exc());
  EXPECT_EQ(destroy(*guest_), TeardownProgress::kDone) << "idempotent";
  reap_dead_domains();
  EXPECT_EQ(domain_by_id(DomId{1}), nullptr);
}

TEST_F(LifecycleTest, Destroy_FrameHeldByAnother_LeavesAZombie) {
  const Result<Mfn> held = get_page_from_gfn(guest_->memory, Gfn{3});
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(destroy(*guest_), TeardownProgress::kDone);
  reap_dead_domains();
  ASSERT_EQ(domain_by_id(DomId{1}), guest_);
  EXPECT_EQ(guest_->dying, DyingState::kDead);
  xen_domctl_getdomaininfo_t info;
  describe_domain(*guest_, info);
  EXPECT_EQ(info.max_vcpu_id, 1u);
  EXPECT_EQ(info.tot_pages, 1u);
  EXPECT_EQ(evtchn_alloc_unbound(*guest_->events, DomId{0}, true).status(), fail(XEN_EINVAL));
  put_page(*held);
  reap_dead_domains();
  EXPECT_EQ(domain_by_id(DomId{1}), nullptr);
}

TEST_F(LifecycleTest, Destroy_OtherPcpuInTheCore_DelaysTheReaping) {
  Domain* other = make(DomId{2}, GuestKind::kHvm, 1);
  other->vcpus[0]->in_core = true;
  EXPECT_EQ(destroy(*guest_), TeardownProgress::kDone);
  reap_dead_domains();
  EXPECT_NE(domain_by_id(DomId{1}), nullptr);
  other->vcpus[0]->in_core = false;
  reap_dead_domains();
  EXPECT_EQ(domain_by_id(DomId{1}), nullptr);
}

TEST_F(LifecycleTest, Destroy_VirqHandler_GoesBackToTheFirstDomain) {
  ASSERT_TRUE(set_virq_handler(*guest_, VIRQ_DOM_EXC).ok());
  send_global_virq(VIRQ_DOM_EXC);
  EXPECT_FALSE(take_dom_exc());
  EXPECT_EQ(destroy(*guest_), TeardownProgress::kDone);
  EXPECT_TRUE(take_dom_exc());
  ASSERT_TRUE(set_virq_handler(*guest_, VIRQ_DOM_EXC).ok()) << "the dead may be asked, but not for long";
  reap_dead_domains();
  send_global_virq(VIRQ_DOM_EXC);
  EXPECT_TRUE(take_dom_exc());
}

TEST_F(LifecycleTest, Pauses_OfBothKinds_Add) {
  Vcpu& vcpu = *guest_->vcpus[0];
  pause_domain(*guest_);
  ASSERT_TRUE(unpause_by_controller(*guest_).ok());
  EXPECT_NE(vcpu.pause_flags & kPauseDomain, 0u);
  unpause_domain(*guest_);
  EXPECT_EQ(vcpu.pause_flags & kPauseDomain, 0u);
}

TEST_F(LifecycleTest, SoftReset_NeedsAShutdownDomain_ReplacesSharedInfo) {
  EXPECT_EQ(soft_reset_domain(*guest_, false, never, nullptr).status(), fail(XEN_EINVAL));
  ASSERT_TRUE(stage2_map(guest_->memory, Gfn{100}, guest_->memory.shared_info).ok());
  ASSERT_TRUE(evtchn_bind_ipi(*guest_->events, 0).ok());
  shutdown_domain(*guest_, SHUTDOWN_soft_reset);
  const Result<ResetProgress> done = soft_reset_domain(*guest_, false, never, nullptr);
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(*done, ResetProgress::kDone);
  EXPECT_EQ(guest_->events->active_ports, 0u);
  EXPECT_NE(stage2_lookup(guest_->memory, Gfn{100}).mfn, guest_->memory.shared_info);
  EXPECT_FALSE(guest_->shut_down);
}

TEST_F(LifecycleTest, SoftReset_OfPv_CrashesIt) {
  Domain* pv = make(DomId{2}, GuestKind::kPv64, 1);
  shutdown_domain(*pv, SHUTDOWN_soft_reset);
  EXPECT_EQ(soft_reset_domain(*pv, false, never, nullptr).status(), fail(XEN_EINVAL));
  EXPECT_TRUE(pv->shut_down);
}

TEST_F(LifecycleTest, Audit_SeesAVcpuThatRunsThoughItsDomainIsPaused) {
  guest_->vcpus[0]->pause_flags &= ~uint32_t{kPauseDomain};
  std::array<char, 512> text{};
  EXPECT_EQ(assay_core.audit(text.data(), text.size()), 1u) << text.data();
  guest_->vcpus[0]->pause_flags |= kPauseDomain;
}

}  // namespace hv::testing
