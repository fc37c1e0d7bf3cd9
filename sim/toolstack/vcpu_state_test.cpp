#include "sim/toolstack/vcpu_state.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "sim/toolstack/testing/fake_layout.hpp"

namespace assay::toolstack {
namespace {

template <typename T>
T take(const std::vector<std::byte>& bytes, size_t& at) {
  T value;
  if (at + sizeof value > bytes.size()) throw std::out_of_range("record stream is too short");
  std::memcpy(&value, &bytes[at], sizeof value);
  at += sizeof value;
  return value;
}

TEST(VcpuState, FirstPvContext_StartsInKernelModeOnline) {
  const assay_agent_layout layout = testing::fake_layout();
  const vcpu_guest_context context = first_pv_context(layout.pv_entry, Mfn{7}, Gva{0x1000}, Gva{0x3000});
  EXPECT_EQ(context.flags, static_cast<unsigned long>(VGCF_in_kernel | VGCF_online));
  EXPECT_EQ(context.user_regs.rip, layout.pv_entry);
  EXPECT_EQ(context.user_regs.rsi, 0x1000u);
  EXPECT_EQ(context.user_regs.rsp, 0x3000u);
  EXPECT_EQ(context.user_regs.cs, FLAT_KERNEL_CS);
  EXPECT_EQ(context.ctrlreg[3], 0x7000u);
}

TEST(VcpuState, FurtherPvContext_HasTrapsAndCallbacks_IsNotOnline) {
  const assay_agent_layout layout = testing::fake_layout();
  const vcpu_guest_context context = further_pv_context(layout, Mfn{7}, 3);
  EXPECT_EQ(context.flags, static_cast<unsigned long>(VGCF_in_kernel));
  EXPECT_EQ(context.user_regs.rdi, 3u);
  EXPECT_EQ(context.user_regs.rsp, layout.stacks + 4 * layout.stack_bytes);
  EXPECT_EQ(context.trap_ctxt[14].address, layout.trap_handlers + 14 * 16);
  EXPECT_EQ(context.trap_ctxt[31].vector, 31);
  EXPECT_EQ(context.trap_ctxt[32].address, 0u);
  EXPECT_EQ(context.event_callback_eip, layout.event_callback);
  EXPECT_EQ(context.failsafe_callback_eip, layout.failsafe_callback);
}

TEST(VcpuState, FirstPvhRecords_AreHeaderCpuEnd) {
  const assay_agent_layout layout = testing::fake_layout();
  const std::vector<std::byte> records = first_pvh_records(layout.pvh_entry - layout.virt_base, 0x5000, 0x800f12);
  size_t at = 0;
  auto descriptor = take<hvm_save_descriptor>(records, at);
  EXPECT_EQ(descriptor.typecode, HVM_SAVE_CODE(HEADER));
  const auto header = take<hvm_save_header>(records, at);
  EXPECT_EQ(header.magic, static_cast<uint32_t>(HVM_FILE_MAGIC));
  EXPECT_EQ(header.cpuid, 0x800f12u);
  descriptor = take<hvm_save_descriptor>(records, at);
  EXPECT_EQ(descriptor.typecode, HVM_SAVE_CODE(CPU));
  EXPECT_EQ(descriptor.length, HVM_SAVE_LENGTH(CPU));
  const auto cpu = take<hvm_hw_cpu>(records, at);
  EXPECT_EQ(cpu.rip, layout.pvh_entry - layout.virt_base);
  EXPECT_EQ(cpu.rbx, 0x5000u);
  EXPECT_EQ(cpu.cr0 & 0x80000001, 1u);
  descriptor = take<hvm_save_descriptor>(records, at);
  EXPECT_EQ(descriptor.typecode, HVM_SAVE_CODE(END));
  EXPECT_EQ(descriptor.length, 0u);
  EXPECT_EQ(at, records.size());
}

TEST(VcpuState, FurtherPvhContext_IsLongModeOnTheStaticTables) {
  const assay_agent_layout layout = testing::fake_layout();
  const vcpu_hvm_context context = further_pvh_context(layout, 2);
  EXPECT_EQ(context.mode, static_cast<uint32_t>(VCPU_HVM_MODE_64B));
  EXPECT_EQ(context.pad, 0u);
  EXPECT_EQ(context.cpu_regs.x86_64.cr3, layout.pvh_page_tables - layout.virt_base);
  EXPECT_EQ(context.cpu_regs.x86_64.rdi, 2u);
  EXPECT_EQ(context.cpu_regs.x86_64.rip, layout.pvh_secondary);
}

}  // namespace
}  // namespace assay::toolstack
