/// Deaths told apart, clean-up between cases, and what happens when something is missing.
#include "sim/target/xen/target_xen.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "sim/target/agent/host_clock.hpp"
#include "sim/target/xen/machine.hpp"
#include "sim/target/xen/testing.hpp"

namespace assay::xen {

using agents::host_now_ns;
using agents::host_sleep_ns;

namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

GuestRequest call_of(Gva code) {
  GuestRequest request;
  request.op = ASSAY_OP_CALL;
  request.arg[0] = code.raw();
  return request;
}

int64_t version_of(Target& target) {
  return target.dom0().vcpu(0).hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0});
}

class XenDeath : public XenTest {
 protected:
  /// After a death the next case starts on a fresh boot, which is counted.
  static void expect_recovery(Target& target) {
    const uint32_t before = target.boots();
    target.begin_case(0);
    EXPECT_EQ(target.boots(), before + 1);
    EXPECT_GT(version_of(target), 0);
  }
};

TEST_F(XenDeath, NonMaskableInterrupt_IsAPanicOfTheHypervisor) {
  const auto target = boot_for_test("nmi=fatal");
  target->type_console("\x01\x01\x01N");  // the console's key for an NMI, which "nmi=fatal" makes deadly
  const uint64_t deadline = host_now_ns() + 30 * kSecondNs;
  std::optional<TargetDied::How> how;
  while (!how && host_now_ns() < deadline) how = death_of([&] { target->pass_time(kSecondNs / 100); });
  EXPECT_EQ(how, TargetDied::How::kPanic);
  EXPECT_NE(target->evidence().find("Panic on CPU"), std::string::npos);
  EXPECT_EQ(target->evidence().find("clocks of the pCPUs"), std::string::npos) << "the dead are not asked";
  expect_recovery(*target);
}

TEST_F(XenDeath, AgentThatNeverReturns_IsAHangWithALiveHypervisor) {
  const auto target = boot_for_test();
  const Gva code = target->dom0().alloc_pages(1);
  target->dom0().vcpu(0).write(code, uint16_t{0xfeeb});  // jmp .
  try {
    target->dom0().vcpu(0).raw(call_of(code), kSecondNs / 10);
    ADD_FAILURE() << "an endless loop replied";
  } catch (const TargetDied& died) {
    EXPECT_EQ(died.how(), TargetDied::How::kHang);
    EXPECT_NE(std::string(died.what()).find("still answers on its console"), std::string::npos) << died.what();
  }
  expect_recovery(*target);
}

TEST_F(XenDeath, CrashOfDom0_IsADeadAgent) {
  const auto target = boot_for_test();
  const Gva argument = target->dom0().alloc_pages(1);
  target->dom0().vcpu(0).write(argument, sched_shutdown{SHUTDOWN_crash});
  const auto crash = [&] {
    target->dom0().vcpu(0).hypercall(__HYPERVISOR_sched_op, {SCHEDOP_shutdown, argument.raw()});
  };
  EXPECT_EQ(death_of(crash), TargetDied::How::kDeadAgent);
  expect_recovery(*target);
}

class XenMachine : public XenTest {};

TEST_F(XenMachine, StoppedQemu_IsAHangWithoutALiveHypervisor) {
  Machine machine(test_options());
  machine.await_dom0();
  kill(machine.qemu_pid(), SIGSTOP);
  try {
    machine.explain_silence("a test");
  } catch (const TargetDied& died) {
    EXPECT_EQ(died.how(), TargetDied::How::kHang);
    EXPECT_NE(std::string(died.what()).find("does not answer"), std::string::npos) << died.what();
  }
}

TEST_F(XenMachine, KilledQemu_HasExited) {
  Machine machine(test_options());
  kill(machine.qemu_pid(), SIGKILL);
  EXPECT_EQ(death_of([&] { machine.await_dom0(); }), TargetDied::How::kExited);
}

TEST_F(XenMachine, ImageThatIsNoKernel_IsAPanicNotAWait) {
  XenOptions options = test_options();
  options.dom0_image = options.xen;
  Machine machine(options);
  EXPECT_EQ(death_of([&] { machine.await_dom0(); }), TargetDied::How::kPanic);
}

/// 'Z' and '?' both mean that the process does not run any more.
char state_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const size_t name_end = text.rfind(") ");
  return name_end == std::string::npos ? '?' : text[name_end + 2];
}

TEST_F(XenMachine, KillOfTheHarness_LeavesNoQemu) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t harness = fork();
  ASSERT_GE(harness, 0);
  if (harness == 0) {
    const Machine machine(test_options());
    const pid_t qemu = machine.qemu_pid();
    if (write(ends[1], &qemu, sizeof qemu) == sizeof qemu) pause();
    _exit(1);
  }
  pid_t qemu = 0;
  ASSERT_EQ(read(ends[0], &qemu, sizeof qemu), static_cast<ssize_t>(sizeof qemu));
  EXPECT_NE(state_of(qemu), '?');
  kill(harness, SIGKILL);
  const uint64_t deadline = host_now_ns() + 30 * kSecondNs;
  while (state_of(qemu) != '?' && state_of(qemu) != 'Z' && host_now_ns() < deadline) host_sleep_ns(1'000'000);
  const char state = state_of(qemu);
  EXPECT_TRUE(state == '?' || state == 'Z') << state;
  close(ends[0]);
  close(ends[1]);
}

TEST(XenAvailability, MissingQemu_SaysWhatAndWhatToDo) {
  XenOptions options = test_options();
  options.qemu = "qemu-of-another-world";
  try {
    make_xen_target(options);
    ADD_FAILURE() << "a target without QEMU";
  } catch (const TargetUnavailable& missing) {
    EXPECT_NE(std::string(missing.what()).find("qemu-of-another-world not found in PATH"), std::string::npos);
    EXPECT_NE(std::string(missing.what()).find("qemu-system-x86"), std::string::npos);
  }
}

TEST(XenAvailability, MissingXen_SaysWhereAndWhatToDo) {
  XenOptions options = test_options();
  options.qemu = "/bin/true";
  options.xen = "/nowhere/xen";
  try {
    make_xen_target(options);
    ADD_FAILURE() << "a target without Xen";
  } catch (const TargetUnavailable& missing) {
    EXPECT_NE(std::string(missing.what()).find("/nowhere/xen"), std::string::npos);
    EXPECT_NE(std::string(missing.what()).find("tools/setup"), std::string::npos);
  }
}

class XenEvidence : public BootedXenTest {};

TEST_F(XenEvidence, SaysHowFarClocksAreApart_AndChangesNothing) {
  const uint32_t boots = target().boots();
  target().begin_case(0);
  EXPECT_NE(target().evidence().find("clocks of the pCPUs after the case: Synced stime skew"), std::string::npos);
  target().begin_case(0);
  EXPECT_EQ(target().boots(), boots) << "no fresh boot is needed after the question";
}

TEST_F(XenEvidence, Dom0ThatIsBusy_IsNotAsked) {
  const Gva argument = target().dom0().alloc_pages(1);
  sched_poll poll{};
  poll.timeout = dom0_vcpu().time_ns() + 20 * kSecondNs;
  dom0_vcpu().write(argument, poll);
  dom0_vcpu().start_hypercall(__HYPERVISOR_sched_op, {SCHEDOP_poll, argument.raw()});
  EXPECT_EQ(target().evidence().find("clocks of the pCPUs"), std::string::npos);
  EXPECT_NE(target().evidence().find("last lines of the console"), std::string::npos);
  EXPECT_FALSE(dom0_vcpu().finish_hypercall(0).has_value()) << "it was busy all the time";
}

class XenClean : public BootedXenTest {};

TEST_F(XenClean, OpenPorts_AreClosedForTheNextCase) {
  const auto open_one = [&] {
    const Gva argument = target().dom0().alloc_pages(1);
    dom0_vcpu().write(argument, evtchn_alloc_unbound{DOMID_SELF, DOMID_SELF, 0});
    EXPECT_EQ(dom0_vcpu().hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_alloc_unbound, argument.raw()}), 0);
    return dom0_vcpu().read<evtchn_alloc_unbound>(argument).port;
  };
  const uint32_t first = open_one();
  const uint64_t heap = target().dom0().pages_left();
  const uint32_t boots = target().boots();
  target().begin_case(0);
  EXPECT_EQ(target().boots(), boots) << "cleaned, not booted";
  EXPECT_EQ(open_one(), first);
  EXPECT_EQ(target().dom0().pages_left(), heap);
}

TEST_F(XenClean, CaseThatGaveMemoryAway_CostsAFreshBoot) {
  const Gva page = target().dom0().alloc_pages(2);
  dom0_vcpu().write(page, target().dom0().gfn_of(page + kPageSize).raw());
  xen_memory_reservation reservation{};
  reservation.extent_start.p = reinterpret_cast<xen_pfn_t*>(page.raw());
  reservation.nr_extents = 1;
  reservation.domid = DOMID_SELF;
  const Gva argument = target().dom0().alloc_pages(1);
  // The page must not be mapped when it is given away.
  EXPECT_EQ(dom0_vcpu().hypercall(__HYPERVISOR_update_va_mapping, {(page + kPageSize).raw(), 0, UVMF_INVLPG}), 0);
  dom0_vcpu().write(argument, reservation);
  EXPECT_EQ(dom0_vcpu().hypercall(__HYPERVISOR_memory_op, {XENMEM_decrease_reservation, argument.raw()}), 1);
  const uint32_t boots = target().boots();
  target().begin_case(0);
  EXPECT_EQ(target().boots(), boots + 1);
}

TEST_F(XenClean, SecondVcpuOfDom0_AnswersAndCostsAFreshBoot) {
  Domain& dom0 = target().dom0();
  // The same context as the first vCPU has, but for where it starts.
  vcpu_guest_context context{};
  const assay_agent_layout& layout = dom0.space().layout;
  context.flags = VGCF_in_kernel;
  context.user_regs.rip = layout.pv_secondary;
  context.user_regs.rdi = 1;
  context.user_regs.rsp = context.kernel_sp = layout.stacks + 2 * layout.stack_bytes;
  context.user_regs.cs = FLAT_KERNEL_CS;
  context.user_regs.ss = FLAT_KERNEL_SS;
  context.kernel_ss = FLAT_KERNEL_SS;
  const auto info = dom0_vcpu().read<start_info_t>(dom0.space().start_info);
  context.ctrlreg[3] = dom0.gfn_of(Gva{info.pt_base}).raw() << kPageShift;
  const Gva argument = dom0.alloc_pages(2);
  dom0_vcpu().write(argument, context);
  ASSERT_EQ(dom0_vcpu().hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_initialise, 1, argument.raw()}), 0);
  ASSERT_EQ(dom0_vcpu().hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_up, 1, 0}), 0);
  Vcpu& second = target().attach_vcpu(dom0, 1);
  EXPECT_GT(second.hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}), 0);
  const uint32_t boots = target().boots();
  target().begin_case(0);
  EXPECT_EQ(target().boots(), boots + 1);
}

TEST_F(XenClean, Console_ShowsWhatThisCasePrinted) {
  const Gva text = target().dom0().alloc_pages(1);
  dom0_vcpu().write(text, std::array<char, 6>{'h', 'e', 'l', 'l', 'o', '\n'});
  EXPECT_EQ(dom0_vcpu().hypercall(__HYPERVISOR_console_io, {CONSOLEIO_write, 6, text.raw()}), 0);
  const uint64_t deadline = host_now_ns() + 30 * kSecondNs;
  while (target().console().find("hello") == std::string::npos && host_now_ns() < deadline) {
    target().pass_time(1'000'000);
  }
  EXPECT_EQ(target().console(), "hello\r\n");
  target().begin_case(0);
  EXPECT_EQ(target().console(), "");
}

}  // namespace
}  // namespace assay::xen
