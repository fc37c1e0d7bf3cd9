#include "sim/guest/agent_image.hpp"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

namespace assay {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uint64_t kBase = 0xffffffff80000000;
constexpr uint64_t kPage = 4096;

/// A small well-formed image, in parts that a test may spoil before it is written.
struct FakeImage {
  Elf64_Ehdr header{};
  Elf64_Phdr segment{};
  Elf64_Shdr sections[3]{};
  assay_agent_layout layout{};
  std::string names = std::string("\0.assay.layout\0", 15);
  std::string content = "agent code";

  FakeImage() {
    fill_layout();
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = EM_X86_64;
    header.e_type = ET_EXEC;
    header.e_phentsize = sizeof segment;
    header.e_phnum = 1;
    header.e_phoff = sizeof header;
    header.e_shentsize = sizeof sections[0];
    header.e_shnum = 3;
    header.e_shstrndx = 2;
    header.e_shoff = header.e_phoff + sizeof segment;
    uint64_t at = header.e_shoff + sizeof sections;
    sections[1] = {1, SHT_PROGBITS, 0, 0, at, sizeof layout, 0, 0, 8, 0};
    at += sizeof layout;
    sections[2] = {0, SHT_STRTAB, 0, 0, at, names.size(), 0, 0, 1, 0};
    at += names.size();
    segment = {PT_LOAD, PF_R | PF_W, at, kBase + kPage, kPage, content.size(), 2 * kPage, kPage};
  }

  void fill_layout() {
    layout.magic = ASSAY_AGENT_MAGIC;
    layout.version = ASSAY_AGENT_VERSION;
    layout.virt_base = kBase;
    layout.image_start = kBase + kPage;
    layout.image_end = kBase + 256 * kPage;
    layout.pv_entry = layout.pvh_entry = layout.pv_secondary = layout.pvh_secondary = layout.image_start;
    layout.event_callback = layout.failsafe_callback = layout.trap_handlers = layout.image_start;
    layout.trap_handler_stride = layout.menu_stride = 16;
    layout.menu = layout.user_menu = layout.landing = layout.user_landing = layout.image_start;
    layout.hypercall_page = layout.shared_info = layout.pvh_page_tables = layout.image_start;
    layout.mailboxes = kBase + 2 * kPage;
    layout.mailbox_stride = ASSAY_MAILBOX_BYTES;
    layout.stacks = kBase + 64 * kPage;
    layout.stack_bytes = 4 * kPage;
    layout.boot_records = kBase + 99 * kPage;
    layout.boot_record_stride = sizeof(assay_boot_record);
    layout.heap_start = kBase + 100 * kPage;
    layout.heap_end = layout.image_end;
  }

  [[nodiscard]] std::string bytes() const {
    std::string out;
    const auto add = [&out](const void* data, size_t size) { out.append(static_cast<const char*>(data), size); };
    add(&header, sizeof header);
    add(&segment, sizeof segment);
    add(sections, sizeof sections);
    add(&layout, sizeof layout);
    return out + names + content;
  }
};

class AgentImageTest : public ::testing::Test {
 protected:
  AgentImage load(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary) << bytes;
    return AgentImage::load(path_);
  }
  std::string error_of(const std::string& bytes) {
    try {
      load(bytes);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "no error";
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::filesystem::path path_ = std::filesystem::path(::testing::TempDir()) /
                                (std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + ".elf");
};

TEST_F(AgentImageTest, Load_WellFormed_HasLayoutAndSegment) {
  const FakeImage fake;
  const AgentImage image = load(fake.bytes());
  EXPECT_EQ(image.layout.virt_base, kBase);
  ASSERT_EQ(image.segments.size(), 1u);
  EXPECT_EQ(image.segments[0].physical_address, kPage);
  EXPECT_EQ(image.segments[0].file_bytes.size(), fake.content.size());
  EXPECT_EQ(image.segments[0].memory_bytes, 2 * kPage);
  EXPECT_TRUE(image.segments[0].writable);
  EXPECT_EQ(image.file.size(), fake.bytes().size());
}

TEST_F(AgentImageTest, Load_MissingFile_NamesIt) {
  try {
    AgentImage::load("/nonexistent/agent.elf");
    FAIL() << "no error";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("/nonexistent/agent.elf"), HasSubstr("No such file")));
  }
}

TEST_F(AgentImageTest, Load_EveryTruncation_IsAnError) {
  const std::string whole = FakeImage().bytes();
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_NE(error_of(whole.substr(0, size)), "no error") << size;
}

TEST_F(AgentImageTest, Load_EveryFlippedHeaderByte_IsHarmless) {
  const std::string whole = FakeImage().bytes();
  const size_t headers = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + 3 * sizeof(Elf64_Shdr) + sizeof(assay_agent_layout);
  size_t refused = 0;
  for (size_t at = 0; at < headers; ++at) {
    std::string spoilt = whole;
    spoilt[at] = static_cast<char>(spoilt[at] ^ 0xff);
    refused += error_of(spoilt) != "no error";
  }
  EXPECT_GT(refused, headers / 4);
}

TEST_F(AgentImageTest, Load_NotElf_SaysSo) {
  EXPECT_THAT(error_of(std::string(4096, 'x')), HasSubstr("not an ELF file"));
}

TEST_F(AgentImageTest, Load_OtherMachine_SaysSo) {
  FakeImage fake;
  fake.header.e_machine = EM_AARCH64;
  EXPECT_THAT(error_of(fake.bytes()), HasSubstr("not built for x86"));
}

TEST_F(AgentImageTest, Load_NoLayoutSection_SaysSo) {
  FakeImage fake;
  fake.names[1] = 'x';
  EXPECT_THAT(error_of(fake.bytes()), HasSubstr("section .assay.layout is missing"));
}

TEST_F(AgentImageTest, Load_WrongMagicOrVersion_SaysSo) {
  FakeImage fake;
  fake.layout.magic = 1;
  EXPECT_THAT(error_of(fake.bytes()), HasSubstr("wrong magic"));
  fake = FakeImage();
  fake.layout.version = 99;
  EXPECT_THAT(error_of(fake.bytes()), HasSubstr("version 99, expected " + std::to_string(ASSAY_AGENT_VERSION)));
}

TEST_F(AgentImageTest, Load_LayoutPointsOutside_NamesTheField) {
  FakeImage fake;
  fake.layout.pv_entry = 0x1000;
  EXPECT_THAT(error_of(fake.bytes()), HasSubstr("pv_entry at 0x1000 lies outside the image"));
  fake = FakeImage();
  fake.layout.mailboxes = fake.layout.image_end - kPage;
  EXPECT_THAT(error_of(fake.bytes()), HasSubstr("mailboxes"));
  fake = FakeImage();
  fake.layout.heap_start = fake.layout.heap_end + kPage;
  EXPECT_THAT(error_of(fake.bytes()), HasSubstr("heap"));
}

TEST_F(AgentImageTest, Load_SegmentAtOtherPhysicalAddress_IsRefused) {
  FakeImage fake;
  fake.segment.p_paddr += kPage;
  EXPECT_THAT(error_of(fake.bytes()), HasSubstr("not at its offset from virt_base"));
}

TEST_F(AgentImageTest, Load_SegmentOutsideTheImage_IsRefused) {
  FakeImage fake;
  fake.segment.p_memsz = UINT64_MAX;
  EXPECT_THAT(error_of(fake.bytes()), HasSubstr("lies outside the image"));
  fake = FakeImage();
  fake.segment.p_memsz = 1;
  EXPECT_THAT(error_of(fake.bytes()), HasSubstr("more bytes in the file than in memory"));
}

}  // namespace
}  // namespace assay
