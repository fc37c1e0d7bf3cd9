/// vCPU state as records: what is refused, and that what was read can be set back.
#include "hv/domain/context.hpp"

#include "hv/domain/hvm_stream.hpp"
#include "hv/domain/testing/system.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/page_tables.hpp"

namespace hv::testing {

namespace {

class PvContextTest : public SystemTest {
 protected:
  PvContextTest() : guest_(make(DomId{1}, GuestKind::kPv64, 2)), vcpu_(guest_->vcpus[0]) {
    kernel_root_ = frame();
    user_root_ = frame();
  }
  ~PvContextTest() override {
    EXPECT_EQ(destroy_domain(
                  *guest_, [](void*) { return false; }, nullptr),
              kDone);
  }

  static constexpr TeardownProgress kDone = TeardownProgress::kDone;

  Mfn frame() {
    const Result<Mfn> mfn = alloc_domain_frames(guest_->memory, 0);
    EXPECT_TRUE(mfn.ok());
    return *mfn;
  }

  vcpu_guest_context_t good() {
    vcpu_guest_context_t c{};
    c.flags = VGCF_in_kernel | VGCF_online;
    c.user_regs.rip = 0xffff'ffff'8000'1000;
    c.user_regs.rsp = 0xffff'ffff'8000'8000;
    c.user_regs.rsi = 0x1234;
    c.user_regs.eflags = 0x200;
    c.user_regs.cs = FLAT_KERNEL_CS;
    c.user_regs.ss = FLAT_KERNEL_SS;
    c.kernel_ss = FLAT_KERNEL_SS;
    c.ctrlreg[3] = kernel_root_.raw() << 12;
    c.gs_base_kernel = 0x1000;
    c.gs_base_user = 0x2000;
    c.trap_ctxt[14] = {14, 4, FLAT_KERNEL_CS, 0xffff'ffff'8000'2000};
    return c;
  }

  Status set(const vcpu_guest_context_t& context) { return set_pv_context(*vcpu_, context); }

  Domain* guest_;
  Vcpu* vcpu_;
  Mfn kernel_root_, user_root_;
};

}  // namespace

TEST_F(PvContextTest, Loads_HoldsTheRoot_IsUpWhenOnline) {
  ASSERT_TRUE(set(good()).ok());
  EXPECT_TRUE(vcpu_->initialised);
  EXPECT_EQ(vcpu_->pause_flags & kPauseDown, 0u);
  EXPECT_EQ(vcpu_->regs.cr3, kernel_root_.raw() << 12);
  EXPECT_EQ(vcpu_->regs.gs_base, 0x1000u);
  EXPECT_EQ(vcpu_->regs.gs_base_kernel, 0x2000u);
  EXPECT_EQ(frame_info(kernel_root_).type, PageType::kL4);
  drop_vcpu_frames(*vcpu_);
  EXPECT_EQ(frame_info(kernel_root_).type_refs, 0u);
}

TEST_F(PvContextTest, WithoutOnline_StaysDown) {
  vcpu_guest_context_t c = good();
  c.flags = VGCF_in_kernel;
  ASSERT_TRUE(set(c).ok());
  EXPECT_NE(vcpu_->pause_flags & kPauseDown, 0u);
}

TEST_F(PvContextTest, NonCanonicalAddresses_AreEinval) {
  constexpr uint64_t kBad = uint64_t{1} << 47;
  using Context = vcpu_guest_context_t;
  for (void (*spoil)(Context&) :
       {+[](Context& c) { c.user_regs.rip = kBad; }, +[](Context& c) { c.user_regs.rsp = kBad; },
        +[](Context& c) { c.kernel_sp = kBad; }, +[](Context& c) { c.fs_base = kBad; },
        +[](Context& c) { c.gs_base_kernel = kBad; }, +[](Context& c) { c.gs_base_user = kBad; },
        +[](Context& c) { c.event_callback_eip = kBad; }, +[](Context& c) { c.failsafe_callback_eip = kBad; },
        +[](Context& c) { c.syscall_callback_eip = kBad; }, +[](Context& c) { c.trap_ctxt[255].address = kBad; },
        +[](Context& c) { c.ldt_ents = 1, c.ldt_base = kBad; }, +[](Context& c) { c.ldt_base = 8; },
        +[](Context& c) { c.ldt_ents = 8193; }, +[](Context& c) { c.gdt_ents = 16 * 512 + 1; },
        +[](Context& c) { c.flags = VGCF_online; }}) {
    Context c = good();
    spoil(c);
    EXPECT_EQ(set(c), fail(XEN_EINVAL));
    EXPECT_FALSE(vcpu_->initialised);
  }
}

TEST_F(PvContextTest, BadRoots_LeaveNoReference) {
  vcpu_guest_context_t c = good();
  c.ctrlreg[3] = ~0ull << 12;
  EXPECT_EQ(set(c), fail(XEN_EINVAL));
  c = good();
  c.ctrlreg[1] = control_->memory.shared_info.raw() << 12;
  EXPECT_EQ(set(c), fail(XEN_EINVAL));
  EXPECT_EQ(frame_info(kernel_root_).type_refs, 0u);
  c.ctrlreg[1] = 0;
  c.gdt_ents = 1;
  c.gdt_frames[0] = 0;
  EXPECT_EQ(set(c), fail(XEN_EINVAL));
  EXPECT_FALSE(vcpu_->initialised);
}

TEST_F(PvContextTest, UserModeStart_UsesTheUserRoot) {
  vcpu_guest_context_t c = good();
  c.flags = VGCF_online;
  c.ctrlreg[1] = user_root_.raw() << 12;
  ASSERT_TRUE(set(c).ok());
  EXPECT_EQ(vcpu_->regs.cr3, user_root_.raw() << 12);
  EXPECT_EQ(vcpu_->pv->kernel_cr3, kernel_root_.raw() << 12);
  EXPECT_EQ(vcpu_->regs.gs_base, 0x2000u);
  vcpu_guest_context_t seen;
  get_pv_context(*vcpu_, seen);
  EXPECT_EQ(seen.ctrlreg[3], kernel_root_.raw() << 12);
  EXPECT_EQ(seen.ctrlreg[1], user_root_.raw() << 12);
  EXPECT_EQ(seen.flags, uint64_t{VGCF_online});
  EXPECT_TRUE(set(seen).ok());
}

TEST_F(PvContextTest, WhatWasRead_CanBeSetBack_OtherTablesCannot) {
  vcpu_guest_context_t c = good();
  const Mfn gdt = frame();
  c.gdt_frames[0] = gdt.raw();
  c.gdt_ents = 512;
  c.user_regs.eflags |= 0x1000;
  ASSERT_TRUE(set(c).ok());
  vcpu_guest_context_t first;
  get_pv_context(*vcpu_, first);
  EXPECT_EQ(first.user_regs.rsi, 0x1234u);
  EXPECT_EQ(first.user_regs.eflags & 0x3000, 0x1000u);
  EXPECT_EQ(first.trap_ctxt[14].address, c.trap_ctxt[14].address);
  EXPECT_EQ(first.gs_base_kernel, 0x1000u);
  ASSERT_TRUE(set(first).ok());
  vcpu_guest_context_t second;
  get_pv_context(*vcpu_, second);
  EXPECT_EQ(std::memcmp(&first, &second, sizeof first), 0);
  first.ctrlreg[3] = user_root_.raw() << 12;
  EXPECT_EQ(set(first), fail(XEN_EOPNOTSUPP));
  second.gdt_ents = 0;
  EXPECT_EQ(set(second), fail(XEN_EOPNOTSUPP));
}

TEST_F(PvContextTest, Reset_DropsEverything) {
  ASSERT_TRUE(set(good()).ok());
  reset_vcpu(*vcpu_);
  EXPECT_FALSE(vcpu_->initialised);
  EXPECT_NE(vcpu_->pause_flags & kPauseDown, 0u);
  EXPECT_EQ(frame_info(kernel_root_).type_refs, 0u);
  EXPECT_TRUE(set(good()).ok());
}

namespace {

class HvmContextTest : public SystemTest {
 protected:
  HvmContextTest() : guest_(make(DomId{1}, GuestKind::kHvm, 2)), vcpu_(guest_->vcpus[0]) {}

  static vcpu_hvm_context_t good_32() {
    vcpu_hvm_context_t c{};
    c.mode = VCPU_HVM_MODE_32B;
    vcpu_hvm_x86_32& r = c.cpu_regs.x86_32;
    r.eip = 0x10'0000;
    r.cr0 = 1;
    r.cs_limit = r.ds_limit = r.ss_limit = r.es_limit = ~0u;
    r.cs_ar = 0xc9b;
    r.ds_ar = r.ss_ar = r.es_ar = 0xc93;
    r.tr_limit = 0x67;
    r.tr_ar = 0x8b;
    return c;
  }
  static vcpu_hvm_context_t good_64() {
    vcpu_hvm_context_t c{};
    c.mode = VCPU_HVM_MODE_64B;
    vcpu_hvm_x86_64& r = c.cpu_regs.x86_64;
    r.rip = 0x10'0000;
    r.cr0 = 0x8001'0031;
    r.cr4 = 0x20;
    r.efer = 0x500;
    return c;
  }
  Status set(const vcpu_hvm_context_t& context) { return set_hvm_context(*vcpu_, context); }

  static hvm_hw_cpu good_record() {
    hvm_hw_cpu c{};
    c.rip = 0x10'0000;
    c.rbx = 0x5000;
    c.rflags = 2;
    c.cr0 = 0x11;
    c.cs_limit = c.ds_limit = ~0u;
    c.cs_arbytes = 0xc9b;
    c.ds_arbytes = c.ss_arbytes = 0xc93;
    c.tr_arbytes = 0x8b;
    c.msr_lstar = 0x1234'5678;
    return c;
  }

  Domain* guest_;
  Vcpu* vcpu_;
};

struct Stream {
  hvm_save_descriptor header_descriptor{HVM_SAVE_CODE(HEADER), 0, sizeof(hvm_save_header)};
  hvm_save_header header{HVM_FILE_MAGIC, HVM_FILE_VERSION, 0, 0, 0};
  hvm_save_descriptor cpu_descriptor{HVM_SAVE_CODE(CPU), 0, sizeof(hvm_hw_cpu)};
  hvm_hw_cpu cpu{};
  hvm_save_descriptor end{HVM_SAVE_CODE(END), 0, 0};
};

Status load(Domain& domain, const Stream& stream, uint64_t bytes = sizeof(Stream)) {
  return hvm_load(domain, reinterpret_cast<const uint8_t*>(&stream), bytes);
}

}  // namespace

TEST_F(HvmContextTest, Start32_FlatProtectedMode_StaysDown) {
  ASSERT_TRUE(set(good_32()).ok());
  EXPECT_TRUE(vcpu_->initialised);
  EXPECT_NE(vcpu_->pause_flags & kPauseDown, 0u);
  EXPECT_EQ(vcpu_->regs.code_bits, 32);
  EXPECT_EQ(vcpu_->regs.cpl, 0);
}

TEST_F(HvmContextTest, Start64_IsInLongMode) {
  ASSERT_TRUE(set(good_64()).ok());
  EXPECT_EQ(vcpu_->regs.code_bits, 64);
  EXPECT_NE(vcpu_->regs.efer & 0x400, 0u);
}

TEST_F(HvmContextTest, BadStarts_AreEinval_NothingChanges) {
  using Context = vcpu_hvm_context_t;
  for (void (*spoil)(Context&) :
       {+[](Context& c) { c.pad = 1; }, +[](Context& c) { c.mode = 2; },
        +[](Context& c) { c.cpu_regs.x86_32.pad1 = 1; }, +[](Context& c) { c.cpu_regs.x86_32.pad2[2] = 1; },
        +[](Context& c) { c.cpu_regs.x86_32.cs_ar = 0xc93; }, +[](Context& c) { c.cpu_regs.x86_32.cs_ar |= 0x1000; },
        +[](Context& c) { c.cpu_regs.x86_32.ss_ar = 0; }, +[](Context& c) { c.cpu_regs.x86_32.ss_ar |= 0x60; },
        +[](Context& c) { c.cpu_regs.x86_32.ds_ar = 0xc13; }, +[](Context& c) { c.cpu_regs.x86_32.tr_ar = 0xc93; },
        +[](Context& c) { c.cpu_regs.x86_32.efer = 0x400; }, +[](Context& c) { c.cpu_regs.x86_32.cr4 = 1u << 31; },
        +[](Context& c) { c.cpu_regs.x86_32.cs_limit = 0, c.cpu_regs.x86_32.cs_ar = 0x49b; }}) {
    Context c = good_32();
    spoil(c);
    EXPECT_EQ(set(c), fail(XEN_EINVAL));
  }
  for (void (*spoil)(Context&) :
       {+[](Context& c) { c.cpu_regs.x86_64.rip = uint64_t{1} << 47; },
        +[](Context& c) { c.cpu_regs.x86_64.cr0 &= ~(1ull << 31); }, +[](Context& c) { c.cpu_regs.x86_64.cr4 = 0; },
        +[](Context& c) { c.cpu_regs.x86_64.efer = 0; }}) {
    Context c = good_64();
    spoil(c);
    EXPECT_EQ(set(c), fail(XEN_EINVAL));
  }
  EXPECT_FALSE(vcpu_->initialised);
}

TEST_F(HvmContextTest, Record_MakesTheVcpuUp_AndComesBack) {
  ASSERT_TRUE(load_hvm_cpu(*vcpu_, good_record()).ok());
  EXPECT_EQ(vcpu_->pause_flags & kPauseDown, 0u);
  EXPECT_EQ(vcpu_->regs.code_bits, 32);
  hvm_hw_cpu seen;
  save_hvm_cpu(*vcpu_, seen);
  EXPECT_EQ(seen.rbx, 0x5000u);
  EXPECT_EQ(seen.msr_lstar, 0x1234'5678u);
  EXPECT_EQ(seen.cs_arbytes, 0xc9bu);
  EXPECT_TRUE(load_hvm_cpu(*vcpu_, seen).ok());
}

TEST_F(HvmContextTest, BadRecords_AreEinval) {
  for (void (*spoil)(hvm_hw_cpu&) :
       {+[](hvm_hw_cpu& c) { c.pad0 = 1; }, +[](hvm_hw_cpu& c) { c.cr0 = 1; },
        +[](hvm_hw_cpu& c) { c.cr0 = 0x8000'0010; }, +[](hvm_hw_cpu& c) { c.cr0 |= uint64_t{1} << 40; },
        +[](hvm_hw_cpu& c) { c.cr4 = 1u << 30; }, +[](hvm_hw_cpu& c) { c.msr_efer = 0x400; },
        +[](hvm_hw_cpu& c) { c.msr_efer = 2; }, +[](hvm_hw_cpu& c) { c.flags = 2; }}) {
    hvm_hw_cpu record = good_record();
    spoil(record);
    EXPECT_EQ(load_hvm_cpu(*vcpu_, record), fail(XEN_EINVAL));
  }
  EXPECT_FALSE(vcpu_->initialised);
}

TEST_F(HvmContextTest, Stream_HeaderFirst_EndLast_KnownTypesOnly) {
  Stream stream;
  stream.cpu = good_record();
  ASSERT_TRUE(load(*guest_, stream).ok());
  EXPECT_TRUE(vcpu_->initialised);
  EXPECT_EQ(load(*guest_, stream, 0), fail(XEN_ENODATA));
  EXPECT_EQ(load(*guest_, stream, sizeof stream - sizeof stream.end), fail(XEN_ENODATA));
  EXPECT_NE(guest_->vcpus[1]->pause_flags & kPauseDown, 0u);
  Stream bad = stream;
  bad.header.magic = 1;
  EXPECT_EQ(load(*guest_, bad), fail(XEN_EINVAL));
  bad = stream;
  bad.cpu_descriptor.typecode = 99;
  EXPECT_EQ(load(*guest_, bad), fail(XEN_EINVAL));
  bad = stream;
  bad.cpu_descriptor.instance = 2;
  EXPECT_EQ(load(*guest_, bad), fail(XEN_EINVAL));
  bad = stream;
  bad.cpu_descriptor.length = ~0u;
  EXPECT_EQ(load(*guest_, bad), fail(XEN_EINVAL));
  bad.cpu_descriptor.typecode = HVM_SAVE_CODE(HPET);
  EXPECT_EQ(load(*guest_, bad), fail(XEN_EINVAL));
  bad.cpu_descriptor.length = sizeof stream.cpu;
  EXPECT_EQ(load(*guest_, bad), fail(XEN_ENODEV)) << "well-formed, but nothing here has that state";
}

TEST_F(HvmContextTest, SavedStream_LoadsIntoAnother) {
  ASSERT_TRUE(load_hvm_cpu(*vcpu_, good_record()).ok());
  std::vector<uint8_t> data(hvm_save_bytes(*guest_));
  const uint64_t bytes = hvm_save(*guest_, data.data());
  Domain* other = make(DomId{2}, GuestKind::kHvm, 2);
  ASSERT_TRUE(hvm_load(*other, data.data(), bytes).ok());
  EXPECT_EQ(other->vcpus[0]->regs.rbx, 0x5000u);
  EXPECT_NE(other->vcpus[1]->pause_flags & kPauseDown, 0u) << "a vCPU that was down is not in the stream";
  hvm_hw_cpu one;
  EXPECT_TRUE(hvm_save_one(*guest_, HVM_SAVE_CODE(CPU), 0, reinterpret_cast<uint8_t*>(&one)).ok());
  EXPECT_EQ(hvm_save_one(*guest_, HVM_SAVE_CODE(CPU), 1, nullptr).status(), fail(XEN_ENODATA));
  EXPECT_EQ(hvm_save_one(*guest_, HVM_SAVE_CODE(CPU), 2, nullptr).status(), fail(XEN_ENOENT));
  EXPECT_EQ(hvm_save_one(*guest_, 99, 0, nullptr).status(), fail(XEN_EINVAL));
}

}  // namespace hv::testing
