#include "hv/domain/dom0_builder.hpp"

#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "hv/base/testing/fake_host.hpp"
#include "hv/domain/domain.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/page_tables.hpp"

extern "C" const assay_core assay_core;

namespace hv::testing {

namespace {

constexpr uint64_t kBase = 0xffffffff80000000;
constexpr uint64_t kText = kBase + 0x100000;
constexpr uint64_t kTextBytes = 0x3000;
constexpr uint64_t kBssBytes = 0x5000;

/// A kernel image in memory: one segment, and the notes that a test wants.
class TestKernel {
 public:
  void note_number(uint32_t type, uint64_t value) { note(type, &value, sizeof value); }
  void note_text(uint32_t type, const std::string& text) { note(type, text.c_str(), text.size() + 1); }

  std::vector<uint8_t> build() const {
    constexpr uint64_t kHeaders = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
    std::vector<uint8_t> file(kHeaders + notes_.size() + kTextBytes);
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = EM_X86_64;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;
    std::memcpy(file.data(), &header, sizeof header);
    Elf64_Phdr load{};
    load.p_type = PT_LOAD;
    load.p_offset = kHeaders + notes_.size();
    load.p_vaddr = kText;
    load.p_paddr = kText - kBase;
    load.p_filesz = kTextBytes;
    load.p_memsz = kTextBytes + kBssBytes;
    Elf64_Phdr note{};
    note.p_type = PT_NOTE;
    note.p_offset = kHeaders;
    note.p_filesz = notes_.size();
    std::memcpy(file.data() + sizeof header, &load, sizeof load);
    std::memcpy(file.data() + sizeof header + sizeof load, &note, sizeof note);
    std::ranges::copy(notes_, file.begin() + kHeaders);
    for (uint64_t i = 0; i < kTextBytes; ++i) file[load.p_offset + i] = static_cast<uint8_t>(i * 7);
    return file;
  }

 private:
  void note(uint32_t type, const void* text, size_t bytes) {
    const Elf64_Nhdr header{4, static_cast<Elf64_Word>(bytes), type};
    append(&header, sizeof header);
    append("Xen", 4);
    append(text, bytes);
  }
  void append(const void* from, size_t bytes) {
    const size_t at = notes_.size();
    notes_.resize((at + bytes + 3) & ~size_t{3});
    std::memcpy(notes_.data() + at, from, bytes);
  }

  std::vector<uint8_t> notes_;
};

class Dom0Builder : public ::testing::Test {
 protected:
  static constexpr uint32_t kPages = 3072;

  Dom0Builder() { EXPECT_EQ(assay_core.boot(&host_.port(), "console=com1"), 0); }

  static TestKernel usual() {
    TestKernel kernel;
    kernel.note_number(XEN_ELFNOTE_VIRT_BASE, kBase);
    kernel.note_number(XEN_ELFNOTE_ENTRY, kText + 0x10);
    kernel.note_number(XEN_ELFNOTE_HYPERCALL_PAGE, kText + 0x1000);
    kernel.note_text(XEN_ELFNOTE_FEATURES, "writable_page_tables|!pae_pgdir_above_4gb");
    return kernel;
  }

  int build(const TestKernel& kernel, uint32_t pages = kPages, uint32_t vcpus = 2) {
    file_ = kernel.build();
    assay_image image{};
    image.kernel = file_.data();
    image.kernel_bytes = file_.size();
    image.initrd = initrd_.data();
    image.initrd_bytes = initrd_.size();
    image.command_line = "one two";
    image.vcpus = vcpus;
    image.pages = pages;
    return assay_core.build_first_domain(&image);
  }

  Domain& dom0() { return *domain_by_id(DomId{0}); }
  Vcpu& vcpu() { return *dom0().vcpus[0]; }

  template <typename T>
  T read(uint64_t va) {
    T value{};
    EXPECT_TRUE(read_guest(address_space(vcpu()), value, Gva{va})) << std::hex << va;
    return value;
  }
  start_info_t start_info() { return read<start_info_t>(vcpu().regs.rsi); }

  std::string audit() {
    std::vector<char> text(4096);
    assay_core.audit(text.data(), text.size());
    return text.data();
  }

  FakeHost host_;
  std::vector<uint8_t> file_;
  std::vector<uint8_t> initrd_ = std::vector<uint8_t>(5000, 0x42);
};

TEST_F(Dom0Builder, Image_IsLoaded_BssIsZero) {
  ASSERT_EQ(build(usual()), 0) << host_.console;
  EXPECT_EQ(read<uint8_t>(kText + 5), 35);
  EXPECT_EQ(read<uint64_t>(kText + kTextBytes), 0u);
  EXPECT_EQ(audit(), "");
}

TEST_F(Dom0Builder, StartInfo_SaysWhatThereIs) {
  ASSERT_EQ(build(usual()), 0);
  const start_info_t info = start_info();
  EXPECT_EQ(std::string(info.magic), "xen-3.0-x86_64");
  EXPECT_EQ(info.nr_pages, kPages);
  EXPECT_EQ(info.flags, static_cast<uint32_t>(SIF_PRIVILEGED | SIF_INITDOMAIN));
  EXPECT_EQ(info.shared_info, dom0().memory.shared_info.raw() * kPageSize);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(info.cmd_line)), "one two");
  EXPECT_EQ(info.mod_len, initrd_.size());
  EXPECT_EQ(read<uint8_t>(info.mod_start + 4999), 0x42);
}

TEST_F(Dom0Builder, Elements_ComeInOrder_WithPaddingBehind) {
  ASSERT_EQ(build(usual()), 0);
  const start_info_t info = start_info();
  EXPECT_LT(kText + kTextBytes + kBssBytes - 1, info.mod_start);
  EXPECT_LT(info.mod_start, info.mfn_list);
  EXPECT_LT(info.mfn_list, vcpu().regs.rsi);
  EXPECT_LT(vcpu().regs.rsi, info.pt_base);
  const uint64_t stack_end = vcpu().regs.rsp;
  EXPECT_EQ(stack_end, info.pt_base + (info.nr_pt_frames + 1) * kPageSize);
  const uint64_t padding = uint64_t{512} << 10;
  EXPECT_TRUE(read_guest(address_space(vcpu()), file_[0], Gva{stack_end + padding - 1}));
}

TEST_F(Dom0Builder, P2mAndM2p_NameEveryPage) {
  ASSERT_EQ(build(usual()), 0);
  const uint64_t list = start_info().mfn_list;
  for (uint64_t pfn = 0; pfn < kPages; ++pfn) {
    const Mfn mfn{read<uint64_t>(list + pfn * 8)};
    ASSERT_EQ(frame_info(mfn).owner, &dom0().memory);
    ASSERT_EQ(m2p_get(mfn), pfn);
  }
}

TEST_F(Dom0Builder, PageTables_AreReadOnly_EverythingElseIsNot) {
  ASSERT_EQ(build(usual()), 0);
  const start_info_t info = start_info();
  const AddressSpace space = address_space(vcpu());
  for (uint64_t i = 0; i < info.nr_pt_frames; ++i) {
    EXPECT_FALSE(clear_guest(space, Gva{info.pt_base + i * kPageSize}, 8));
  }
  EXPECT_TRUE(clear_guest(space, Gva{info.pt_base - 8}, 8));
  EXPECT_TRUE(clear_guest(space, Gva{vcpu().regs.rsp - 8}, 8));
  EXPECT_TRUE(clear_guest(space, Gva{kBase}, 8));
  const Mfn l4 = pte_mfn(vcpu().regs.cr3);
  EXPECT_TRUE(frame_info(l4).pinned);
  EXPECT_EQ(read<uint64_t>(info.mfn_list + (info.pt_base - kBase) / kPageSize * 8), l4.raw());
}

TEST_F(Dom0Builder, HypercallPage_HoldsStubs) {
  ASSERT_EQ(build(usual()), 0);
  EXPECT_EQ(read<uint8_t>(kText + 0x1000), 0x51);
  EXPECT_EQ(read<uint32_t>(kText + 0x1000 + 17 * 32 + 4), 17u);
}

TEST_F(Dom0Builder, Vcpu0_StartsInTheKernel_WithUpcallsMasked) {
  ASSERT_EQ(build(usual()), 0);
  const assay_regs& regs = vcpu().regs;
  EXPECT_EQ(regs.rip, kText + 0x10);
  EXPECT_EQ(regs.cpl, 0);
  EXPECT_EQ(regs.cs, FLAT_KERNEL_CS);
  EXPECT_EQ(regs.ss, FLAT_KERNEL_SS);
  EXPECT_NE(regs.rflags & 0x200, 0u);
  EXPECT_EQ(dom0().shared_info()->vcpu_info[0].evtchn_upcall_mask, 1);
  EXPECT_EQ(dom0().shared_info()->vcpu_info[1].evtchn_upcall_mask, 1);
  EXPECT_EQ(dom0().vcpus[1]->pause_flags & kPauseDown, static_cast<uint32_t>(kPauseDown));
}

TEST_F(Dom0Builder, NoElf_NoNotes_AreRefused) {
  file_.assign(4096, 0);
  const assay_image image{.kernel = file_.data(),
                          .kernel_bytes = file_.size(),
                          .initrd = nullptr,
                          .initrd_bytes = 0,
                          .command_line = nullptr,
                          .vcpus = 1,
                          .pages = kPages};
  EXPECT_EQ(assay_core.build_first_domain(&image), -XEN_EINVAL);
  EXPECT_EQ(build(TestKernel{}), -XEN_EINVAL);
  EXPECT_NE(host_.console.find("no Xen notes"), std::string::npos);
}

TEST_F(Dom0Builder, UnknownRequiredFeature_IsRefused) {
  TestKernel kernel = usual();
  kernel.note_text(XEN_ELFNOTE_FEATURES, "!supervisor_mode_kernel");
  EXPECT_EQ(build(kernel), -XEN_EINVAL);
}

TEST_F(Dom0Builder, KernelThatCannotBeDom0_IsRefused) {
  TestKernel kernel = usual();
  kernel.note_number(XEN_ELFNOTE_SUPPORTED_FEATURES, 1u << XENFEAT_pae_pgdir_above_4gb);
  EXPECT_EQ(build(kernel), -XEN_EINVAL);
}

TEST_F(Dom0Builder, TooLittleMemory_IsRefused) {
  EXPECT_EQ(build(usual(), 100), -XEN_ENOMEM);
  EXPECT_EQ(build(usual(), 1023), -XEN_ENOMEM);
}

TEST_F(Dom0Builder, MoreThanTheMachineHas_IsRefused) {
  EXPECT_EQ(build(usual(), FakeHost::kFrames), -XEN_ENOMEM);
}

TEST_F(Dom0Builder, BadVcpuCount_IsRefused) {
  EXPECT_EQ(build(usual(), kPages, 0), -XEN_EINVAL);
  EXPECT_EQ(build(usual(), kPages, 33), -XEN_EINVAL);
}

TEST_F(Dom0Builder, SegmentOutsideTheFile_IsRefused) {
  file_ = usual().build();
  for (const size_t keep : {file_.size() - 1, sizeof(Elf64_Ehdr) + 8, size_t{10}, size_t{0}}) {
    const assay_image image{.kernel = file_.data(),
                            .kernel_bytes = keep,
                            .initrd = nullptr,
                            .initrd_bytes = 0,
                            .command_line = nullptr,
                            .vcpus = 1,
                            .pages = kPages};
    EXPECT_EQ(assay_core.build_first_domain(&image), -XEN_EINVAL) << keep;
  }
}

}  // namespace

}  // namespace hv::testing
