/// The agent kernel, seen from outside, in each of its three parts on the real hypervisor.
#include <gtest/gtest.h>

#include <vector>

#include "sim/target/xen/testing.hpp"

namespace assay::xen {
namespace {

constexpr uint64_t kUnmapped = 0x4000000000;   // beyond everything that either guest type maps
constexpr uint64_t kLimitNs = 10'000'000'000;  // never reached, however busy the machine is

enum class Part { kDom0, kPv64Guest, kPvhGuest };

class PartTest : public BootedXenTest, public ::testing::WithParamInterface<Part> {
 protected:
  void SetUp() override {
    BootedXenTest::SetUp();
    if (IsSkipped()) return;
    domain_ = &target().dom0();
    if (GetParam() == Part::kPv64Guest) domain_ = &target().create_guest({.type = GuestType::kPv64});
    if (GetParam() == Part::kPvhGuest) domain_ = &target().create_guest({.type = GuestType::kPvh});
  }
  Domain& domain() { return *domain_; }
  Vcpu& vcpu() { return domain_->vcpu(0); }

 private:
  Domain* domain_ = nullptr;
};

std::string part_name(const ::testing::TestParamInfo<Part>& part) {
  return part.param == Part::kDom0 ? "Dom0" : part.param == Part::kPv64Guest ? "Pv64" : "Pvh";
}

class Agent : public PartTest {};
INSTANTIATE_TEST_SUITE_P(Parts, Agent, ::testing::Values(Part::kDom0, Part::kPv64Guest, Part::kPvhGuest), part_name);

GuestRequest request_of(uint32_t op, std::initializer_list<uint64_t> args) {
  GuestRequest request;
  request.op = static_cast<assay_op>(op);
  std::copy(args.begin(), args.end(), request.arg.begin());
  return request;
}

TEST_P(Agent, Hypercall_XenVersion_IsFourSeventeen) {
  EXPECT_EQ(vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}), (4 << 16) | 17);
}

TEST_P(Agent, Hypercall_NumberBeyondThePage_IsEnosys) {
  EXPECT_EQ(vcpu().hypercall(1000, {}), -38);
}

TEST_P(Agent, Memory_WriteThenRead_GivesTheSameBytes) {
  const Gva page = domain().alloc_pages(8);
  std::vector<std::byte> out(8 * kPageSize);
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(i * 7 + i / 256);
  ASSERT_FALSE(vcpu().write_bytes(page, out));
  std::vector<std::byte> in(out.size());
  ASSERT_FALSE(vcpu().read_bytes(page, in));
  EXPECT_EQ(in, out);
}

TEST_P(Agent, Read_OfUnmappedMemory_IsAPageFaultAndTheAgentGoesOn) {
  std::array<std::byte, 8> bytes{};
  const auto fault = vcpu().read_bytes(Gva{kUnmapped}, bytes);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->vector, 14u);
  EXPECT_EQ(fault->address, kUnmapped);
  EXPECT_EQ(fault->error_code & 2, 0u) << "a read, not a write";
  EXPECT_GT(vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}), 0);
}

TEST_P(Agent, Write_ToUnmappedMemory_FaultsAsAWrite) {
  const uint64_t value = 1;
  const auto fault = vcpu().write_bytes(Gva{kUnmapped}, std::as_bytes(std::span(&value, 1)));
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->vector, 14u);
  EXPECT_EQ(fault->error_code & 2, 2u);
}

TEST_P(Agent, Fill_OfNonCanonicalAddress_IsAGeneralProtectionFault) {
  const auto fault = vcpu().fill(Gva{0x8000000000000000ull}, 8, 0);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->vector, 13u);
  EXPECT_EQ(fault->address, 0u) << "CR2 belongs to page faults only";
}

TEST_P(Agent, Rdmsr_OfUnknownRegister_IsAGeneralProtectionFault) {
  const auto answer = vcpu().rdmsr(0xdead);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.fault->vector, 13u);
}

TEST_P(Agent, Call_OfAnUndefinedInstruction_IsReportedWithItsAddress) {
  const Gva page = domain().alloc_pages(1);
  vcpu().write(page, uint16_t{0x0b0f});  // ud2
  const GuestReply reply = vcpu().raw(request_of(ASSAY_OP_CALL, {page.raw()}), kLimitNs);
  EXPECT_EQ(reply.status, ASSAY_STATUS_FAULT);
  EXPECT_EQ(reply.fault.vector, 6u);
  EXPECT_EQ(reply.fault.rip, page.raw());
}

TEST_P(Agent, Call_OfCodeThatReturns_GivesItsResult) {
  const Gva page = domain().alloc_pages(1);
  vcpu().write(page, uint64_t{0x0000c30000002ab8});  // mov $42, %eax; ret
  const GuestReply reply = vcpu().raw(request_of(ASSAY_OP_CALL, {page.raw()}), kLimitNs);
  EXPECT_EQ(reply.status, ASSAY_STATUS_OK);
  EXPECT_EQ(reply.value[0], 42u);
}

TEST_P(Agent, Atomic_EveryKindAndWidth_ReturnsTheOldValue) {
  const Gva page = domain().alloc_pages(1);
  vcpu().write(page, uint64_t{0x1122334455667788});
  EXPECT_EQ(vcpu().atomic(ASSAY_ATOMIC_XCHG, page, 1, 0x99).value, 0x88u);
  EXPECT_EQ(vcpu().atomic(ASSAY_ATOMIC_AND, page, 2, 0xff00).value, 0x7799u);
  EXPECT_EQ(vcpu().atomic(ASSAY_ATOMIC_OR, page, 4, 0xff).value, 0x55667700u);
  EXPECT_EQ(vcpu().atomic(ASSAY_ATOMIC_ADD, page, 8, 1).value, 0x11223344556677ffu);
  EXPECT_EQ(vcpu().atomic(ASSAY_ATOMIC_CMPXCHG, page, 8, 7, 0x1122334455667800).value, 0x1122334455667800u);
  EXPECT_EQ(vcpu().atomic(ASSAY_ATOMIC_CMPXCHG, page, 8, 9, 8).value, 7u) << "comparand differs: nothing is stored";
  EXPECT_EQ(vcpu().read<uint64_t>(page), 7u);
}

TEST_P(Agent, Cpuid_HypervisorLeaf_SaysXen) {
  const auto answer = vcpu().cpuid(0x40000000);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.value[1], 0x566e6558u);
  EXPECT_EQ(answer.value[2], 0x65584d4du);
  EXPECT_EQ(answer.value[3], 0x4d4d566eu);
}

TEST_P(Agent, Time_Spin_TakesAtLeastThatLong) {
  const uint64_t before = vcpu().time_ns();
  vcpu().spin(2'000'000);
  EXPECT_GE(vcpu().time_ns() - before, 2'000'000u);
}

TEST_P(Agent, RawMessage_OfGarbage_GetsAnErrorReply) {
  // The greatest number that the enumeration can hold: a greater one would be undefined behaviour on this side.
  EXPECT_EQ(vcpu().raw(request_of(31, {~0ull, ~0ull, ~0ull}), kLimitNs).status, ASSAY_STATUS_BAD_OP);
  EXPECT_EQ(vcpu().raw(request_of(ASSAY_OP_COUNT_, {}), kLimitNs).status, ASSAY_STATUS_BAD_OP);
  EXPECT_EQ(vcpu().raw(request_of(ASSAY_OP_READ, {0, ASSAY_MAILBOX_DATA_BYTES + 1}), kLimitNs).status,
            ASSAY_STATUS_BAD_ARGUMENT);
  EXPECT_EQ(vcpu().raw(request_of(ASSAY_OP_ATOMIC, {0, 3, 0}), kLimitNs).status, ASSAY_STATUS_BAD_ARGUMENT);
  EXPECT_EQ(vcpu().raw(request_of(ASSAY_OP_ATOMIC, {domain().alloc_pages(1).raw(), 8, 99}), kLimitNs).status,
            ASSAY_STATUS_BAD_ARGUMENT);
  EXPECT_EQ(vcpu().raw(request_of(ASSAY_OP_NOP, {}), kLimitNs).status, ASSAY_STATUS_OK);
}

// A loopback interdomain channel: sending on one end makes the other pending.
class AgentUpcalls : public PartTest {
 protected:
  uint32_t loopback() {
    argument_ = domain().alloc_pages(1);
    evtchn_alloc_unbound unbound{DOMID_SELF, DOMID_SELF, 0};
    vcpu().write(argument_, unbound);
    EXPECT_EQ(vcpu().hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_alloc_unbound, argument_.raw()}), 0);
    const uint32_t far = vcpu().read<evtchn_alloc_unbound>(argument_).port;
    vcpu().write(argument_, evtchn_bind_interdomain{DOMID_SELF, far, 0});
    EXPECT_EQ(vcpu().hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_bind_interdomain, argument_.raw()}), 0);
    return vcpu().read<evtchn_bind_interdomain>(argument_).local_port;
  }
  void send(uint32_t port) {
    vcpu().write(argument_, evtchn_send{port});
    EXPECT_EQ(vcpu().hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_send, argument_.raw()}), 0);
  }

 private:
  Gva argument_{};
};

INSTANTIATE_TEST_SUITE_P(Parts, AgentUpcalls, ::testing::Values(Part::kDom0, Part::kPv64Guest, Part::kPvhGuest),
                         part_name);

TEST_P(AgentUpcalls, LetThrough_AnEventIsTakenOnce) {
  const uint32_t port = loopback();
  // Binding has left an event pending: without this the next one in the same word would not raise an upcall.
  vcpu().write(domain().vcpu_info(0) + offsetof(vcpu_info, evtchn_pending_sel), uint64_t{0});
  vcpu().write(domain().vcpu_info(0) + offsetof(vcpu_info, evtchn_upcall_pending), uint8_t{0});
  const uint64_t before = vcpu().upcalls().count;
  vcpu().set_upcalls(true);
  send(port);
  EXPECT_TRUE(vcpu().wait_upcalls(before + 1, kLimitNs));
  const UpcallRecord record = vcpu().upcalls();
  EXPECT_EQ(record.count, before + 1);
  EXPECT_EQ(record.mask_at_entry, GetParam() == Part::kPvhGuest ? 0 : 1)
      << "a PV guest finds further upcalls held while one is handled";
  EXPECT_NE(record.rflags & 0x200, 0u) << "the interrupted context had upcalls enabled";
}

TEST_P(AgentUpcalls, AfterAFault_AreLetThroughAsBefore) {
  const uint32_t port = loopback();
  vcpu().set_upcalls(true);
  ASSERT_TRUE(vcpu().fill(Gva{kUnmapped}, 1, 0));
  vcpu().write(domain().vcpu_info(0) + offsetof(vcpu_info, evtchn_pending_sel), uint64_t{0});
  vcpu().write(domain().vcpu_info(0) + offsetof(vcpu_info, evtchn_upcall_pending), uint8_t{0});
  const uint64_t before = vcpu().upcalls().count;
  send(port);
  EXPECT_TRUE(vcpu().wait_upcalls(before + 1, kLimitNs));
}

TEST_P(AgentUpcalls, Held_AnEventIsNotTaken) {
  const uint32_t port = loopback();
  const uint64_t before = vcpu().upcalls().count;
  send(port);
  EXPECT_FALSE(vcpu().wait_upcalls(before + 1, 2'000'000));
  EXPECT_EQ(vcpu().upcalls().count, before);
}

TEST_P(AgentUpcalls, Halt_IsEndedByAnEventThatIsPending) {
  send(loopback());
  vcpu().start_halt();
  EXPECT_TRUE(vcpu().finish_hypercall(kLimitNs));
}

}  // namespace
}  // namespace assay::xen
