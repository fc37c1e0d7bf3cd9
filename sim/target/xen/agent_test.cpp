/// The agent kernel, seen from outside: as dom0 of the real hypervisor.
#include <gtest/gtest.h>

#include <vector>

#include "sim/target/xen/testing.hpp"

namespace assay::xen {
namespace {

constexpr uint64_t kUnmapped = 0x1000;  // nothing is mapped in the lower half
constexpr uint64_t kSecondNs = 1'000'000'000;

class Agent : public BootedXenTest {};

GuestRequest request_of(uint32_t op, std::initializer_list<uint64_t> args) {
  GuestRequest request;
  request.op = static_cast<assay_op>(op);
  std::copy(args.begin(), args.end(), request.arg.begin());
  return request;
}

TEST_F(Agent, Hypercall_XenVersion_IsFourSeventeen) {
  EXPECT_EQ(dom0_vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}), (4 << 16) | 17);
}

TEST_F(Agent, Hypercall_NumberBeyondThePage_IsEnosys) {
  EXPECT_EQ(dom0_vcpu().hypercall(1000, {}), -38);
}

TEST_F(Agent, Memory_WriteThenRead_GivesTheSameBytes) {
  const Gva page = target().dom0().alloc_pages(8);
  std::vector<std::byte> out(8 * kPageSize);
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(i * 7 + i / 256);
  ASSERT_FALSE(dom0_vcpu().write_bytes(page, out));
  std::vector<std::byte> in(out.size());
  ASSERT_FALSE(dom0_vcpu().read_bytes(page, in));
  EXPECT_EQ(in, out);
}

TEST_F(Agent, Read_OfUnmappedMemory_IsAPageFaultAndTheAgentGoesOn) {
  std::array<std::byte, 8> bytes{};
  const auto fault = dom0_vcpu().read_bytes(Gva{kUnmapped}, bytes);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->vector, 14u);
  EXPECT_EQ(fault->address, kUnmapped);
  EXPECT_EQ(fault->error_code & 2, 0u) << "a read, not a write";
  EXPECT_GT(dom0_vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}), 0);
}

TEST_F(Agent, Write_ToUnmappedMemory_FaultsAsAWrite) {
  const uint64_t value = 1;
  const auto fault = dom0_vcpu().write_bytes(Gva{kUnmapped}, std::as_bytes(std::span(&value, 1)));
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->vector, 14u);
  EXPECT_EQ(fault->error_code & 2, 2u);
}

TEST_F(Agent, Fill_OfNonCanonicalAddress_IsAGeneralProtectionFault) {
  const auto fault = dom0_vcpu().fill(Gva{0x8000000000000000ull}, 8, 0);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->vector, 13u);
  EXPECT_EQ(fault->address, 0u) << "CR2 belongs to page faults only";
}

TEST_F(Agent, Rdmsr_OfUnknownRegister_IsAGeneralProtectionFault) {
  const auto answer = dom0_vcpu().rdmsr(0xdead);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.fault->vector, 13u);
}

TEST_F(Agent, Call_OfAnUndefinedInstruction_IsReportedWithItsAddress) {
  const Gva page = target().dom0().alloc_pages(1);
  dom0_vcpu().write(page, uint16_t{0x0b0f});  // ud2
  const GuestReply reply = dom0_vcpu().raw(request_of(ASSAY_OP_CALL, {page.raw()}), kSecondNs);
  EXPECT_EQ(reply.status, ASSAY_STATUS_FAULT);
  EXPECT_EQ(reply.fault.vector, 6u);
  EXPECT_EQ(reply.fault.rip, page.raw());
}

TEST_F(Agent, Call_OfCodeThatReturns_GivesItsResult) {
  const Gva page = target().dom0().alloc_pages(1);
  dom0_vcpu().write(page, uint64_t{0x0000c30000002ab8});  // mov $42, %eax; ret
  const GuestReply reply = dom0_vcpu().raw(request_of(ASSAY_OP_CALL, {page.raw()}), kSecondNs);
  EXPECT_EQ(reply.status, ASSAY_STATUS_OK);
  EXPECT_EQ(reply.value[0], 42u);
}

TEST_F(Agent, Atomic_EveryKindAndWidth_ReturnsTheOldValue) {
  const Gva page = target().dom0().alloc_pages(1);
  Vcpu& vcpu = dom0_vcpu();
  vcpu.write(page, uint64_t{0x1122334455667788});
  EXPECT_EQ(vcpu.atomic(ASSAY_ATOMIC_XCHG, page, 1, 0x99).value, 0x88u);
  EXPECT_EQ(vcpu.atomic(ASSAY_ATOMIC_AND, page, 2, 0xff00).value, 0x7799u);
  EXPECT_EQ(vcpu.atomic(ASSAY_ATOMIC_OR, page, 4, 0xff).value, 0x55667700u);
  EXPECT_EQ(vcpu.atomic(ASSAY_ATOMIC_ADD, page, 8, 1).value, 0x11223344556677ffu);
  EXPECT_EQ(vcpu.atomic(ASSAY_ATOMIC_CMPXCHG, page, 8, 7, 0x1122334455667800).value, 0x1122334455667800u);
  EXPECT_EQ(vcpu.atomic(ASSAY_ATOMIC_CMPXCHG, page, 8, 9, 8).value, 7u) << "comparand differs: nothing is stored";
  EXPECT_EQ(vcpu.read<uint64_t>(page), 7u);
}

TEST_F(Agent, Cpuid_HypervisorLeaf_SaysXen) {
  const auto answer = dom0_vcpu().cpuid(0x40000000);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.value[1], 0x566e6558u);
  EXPECT_EQ(answer.value[2], 0x65584d4du);
  EXPECT_EQ(answer.value[3], 0x4d4d566eu);
}

TEST_F(Agent, Time_Spin_TakesAtLeastThatLong) {
  const uint64_t before = dom0_vcpu().time_ns();
  dom0_vcpu().spin(2'000'000);
  EXPECT_GE(dom0_vcpu().time_ns() - before, 2'000'000u);
}

TEST_F(Agent, RawMessage_OfGarbage_GetsAnErrorReply) {
  Vcpu& vcpu = dom0_vcpu();
  EXPECT_EQ(vcpu.raw(request_of(0xdeadbeef, {~0ull, ~0ull, ~0ull}), kSecondNs).status, ASSAY_STATUS_BAD_OP);
  EXPECT_EQ(vcpu.raw(request_of(ASSAY_OP_COUNT_, {}), kSecondNs).status, ASSAY_STATUS_BAD_OP);
  EXPECT_EQ(vcpu.raw(request_of(ASSAY_OP_READ, {0, ASSAY_MAILBOX_DATA_BYTES + 1}), kSecondNs).status,
            ASSAY_STATUS_BAD_ARGUMENT);
  EXPECT_EQ(vcpu.raw(request_of(ASSAY_OP_ATOMIC, {0, 3, 0}), kSecondNs).status, ASSAY_STATUS_BAD_ARGUMENT);
  EXPECT_EQ(vcpu.raw(request_of(ASSAY_OP_ATOMIC, {target().dom0().alloc_pages(1).raw(), 8, 99}), kSecondNs).status,
            ASSAY_STATUS_BAD_ARGUMENT);
  EXPECT_EQ(vcpu.raw(request_of(ASSAY_OP_NOP, {}), kSecondNs).status, ASSAY_STATUS_OK);
}

// A loopback interdomain channel: sending on one end makes the other pending.
class AgentUpcalls : public BootedXenTest {
 protected:
  uint32_t loopback() {
    Vcpu& vcpu = dom0_vcpu();
    argument_ = target().dom0().alloc_pages(1);
    evtchn_alloc_unbound unbound{DOMID_SELF, DOMID_SELF, 0};
    vcpu.write(argument_, unbound);
    EXPECT_EQ(vcpu.hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_alloc_unbound, argument_.raw()}), 0);
    const uint32_t far = vcpu.read<evtchn_alloc_unbound>(argument_).port;
    vcpu.write(argument_, evtchn_bind_interdomain{DOMID_SELF, far, 0});
    EXPECT_EQ(vcpu.hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_bind_interdomain, argument_.raw()}), 0);
    return vcpu.read<evtchn_bind_interdomain>(argument_).local_port;
  }
  void send(uint32_t port) {
    dom0_vcpu().write(argument_, evtchn_send{port});
    EXPECT_EQ(dom0_vcpu().hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_send, argument_.raw()}), 0);
  }

 private:
  Gva argument_{};
};

TEST_F(AgentUpcalls, LetThrough_AnEventIsTakenOnce) {
  Vcpu& vcpu = dom0_vcpu();
  const uint32_t port = loopback();
  // Binding has left an event pending: without this the next one in the same word would not raise an upcall.
  vcpu.write(target().dom0().vcpu_info(0) + offsetof(vcpu_info, evtchn_pending_sel), uint64_t{0});
  vcpu.write(target().dom0().vcpu_info(0) + offsetof(vcpu_info, evtchn_upcall_pending), uint8_t{0});
  const uint64_t before = vcpu.upcalls().count;
  vcpu.set_upcalls(true);
  send(port);
  EXPECT_TRUE(vcpu.wait_upcalls(before + 1, kSecondNs));
  const UpcallRecord record = vcpu.upcalls();
  EXPECT_EQ(record.count, before + 1);
  EXPECT_EQ(record.mask_at_entry, 1) << "the hypervisor holds further upcalls while one is handled";
  EXPECT_EQ(record.pending_at_entry, 1);
  EXPECT_NE(record.rflags & 0x200, 0u) << "the interrupted context had upcalls enabled";
}

TEST_F(AgentUpcalls, Held_AnEventIsNotTaken) {
  Vcpu& vcpu = dom0_vcpu();
  const uint32_t port = loopback();
  const uint64_t before = vcpu.upcalls().count;
  send(port);
  EXPECT_FALSE(vcpu.wait_upcalls(before + 1, 2'000'000));
  EXPECT_EQ(vcpu.upcalls().count, before);
}

TEST_F(AgentUpcalls, Halt_IsEndedByAnEventThatIsPending) {
  Vcpu& vcpu = dom0_vcpu();
  send(loopback());
  vcpu.start_halt();
  EXPECT_TRUE(vcpu.finish_hypercall(kSecondNs));
}

}  // namespace
}  // namespace assay::xen
