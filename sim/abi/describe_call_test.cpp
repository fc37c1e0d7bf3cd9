#include "sim/abi/describe_call.hpp"

#include <gtest/gtest.h>

#include <array>

#include "sim/abi/describe.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

using Arguments = std::array<uint64_t, 6>;

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

TEST(DescribeCall, Structure_StandsInPlaceOfItsAddress) {
  const evtchn_send send{.port = 7};
  EXPECT_EQ(describe_call(__HYPERVISOR_event_channel_op, Arguments{EVTCHNOP_send, 0x1000}, bytes_of(send)),
            "EVTCHNOP_send {port 7}");
  const vcpu_set_singleshot_timer timer{.timeout_abs_ns = 5, .flags = 0};
  EXPECT_EQ(describe_call(__HYPERVISOR_vcpu_op, Arguments{VCPUOP_set_singleshot_timer, 3, 0x1000}, bytes_of(timer)),
            "VCPUOP_set_singleshot_timer 3 {timeout_abs_ns 5, flags 0}");
}

TEST(DescribeCall, UnreadArgument_LeavesTheRegisters) {
  EXPECT_EQ(describe_call(__HYPERVISOR_event_channel_op, Arguments{EVTCHNOP_send, 0x12345}, {}),
            "EVTCHNOP_send 0x12345");
  EXPECT_EQ(describe_call(__HYPERVISOR_event_channel_op, Arguments{99, 1}, {}), "event_channel_op 99 1");
  EXPECT_EQ(describe_call(63, Arguments{1, 0, 2}, {}), "hypercall 63 1 0 2");
  EXPECT_EQ(describe_call(__HYPERVISOR_sched_op, Arguments{SCHEDOP_yield}, {}), "SCHEDOP_yield");
}

TEST(DescribeCall, ArgumentBytes_AreThoseOfTheStructure) {
  EXPECT_EQ(argument_bytes(__HYPERVISOR_event_channel_op, Arguments{EVTCHNOP_send, 0x1000}), sizeof(evtchn_send));
  EXPECT_EQ(argument_bytes(__HYPERVISOR_domctl, Arguments{0x1000}), sizeof(xen_domctl));
  EXPECT_EQ(argument_bytes(__HYPERVISOR_sched_op, Arguments{SCHEDOP_yield}), 0u);
  EXPECT_EQ(argument_bytes(__HYPERVISOR_set_timer_op, Arguments{5}), 0u);
  EXPECT_EQ(argument_bytes(63, Arguments{}), 0u);
}

TEST(DescribeCall, ArgumentBytes_OfAnArray_AreBounded) {
  EXPECT_EQ(argument_bytes(__HYPERVISOR_mmu_update, Arguments{0x1000, 2}), 2 * sizeof(mmu_update));
  EXPECT_EQ(argument_bytes(__HYPERVISOR_mmu_update, Arguments{0x1000, UINT64_MAX}), 4 * sizeof(mmu_update));
  EXPECT_EQ(argument_bytes(__HYPERVISOR_mmu_update, Arguments{0x1000, 0}), 0u);
}

TEST(DescribeCall, ArgumentCount_IsKnownOfEveryHypercall) {
  constexpr uint64_t kNumbers = 64;
  for (uint64_t number = 0; number < kNumbers; ++number) {
    EXPECT_EQ(argument_count(number) == 6, !hypercall_name(number).has_value()) << number;
  }
  EXPECT_EQ(argument_count(__HYPERVISOR_vcpu_op), 3u);
}

TEST(DescribeCall, Results_HaveTheNamesOfErrno) {
  EXPECT_EQ(describe_result(17), "17");
  EXPECT_EQ(describe_result(-22), "-EINVAL (-22)");
  EXPECT_EQ(describe_result(-4095), "-4095");
  EXPECT_EQ(describe_result(-4096), "-4096");
}

}  // namespace
}  // namespace assay
