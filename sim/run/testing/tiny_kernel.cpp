#include "sim/run/testing/tiny_kernel.hpp"

#include <elf.h>

#include <cstring>
#include <fstream>

#include "sim/abi/xen.hpp"

namespace assay::testing {

namespace {

constexpr uint64_t kCodeOffset = 0x1000;

void append(std::vector<std::byte>& to, const void* data, size_t bytes) {
  const auto* first = static_cast<const std::byte*>(data);
  to.insert(to.end(), first, first + bytes);
}

template <typename T>
void append_note(std::vector<std::byte>& notes, uint32_t type, T value) {
  const Elf64_Nhdr header{4, sizeof value, type};
  append(notes, &header, sizeof header);
  append(notes, "Xen", 4);
  append(notes, &value, sizeof value);
}

}  // namespace

Code& Code::bytes(std::initializer_list<uint8_t> more) {
  code_.insert(code_.end(), more);
  return *this;
}

Code& Code::append(const Code& more) {
  code_.insert(code_.end(), more.code_.begin(), more.code_.end());
  return *this;
}

Code& Code::imm32(uint32_t value) {
  for (unsigned i = 0; i < 4; ++i) code_.push_back(static_cast<uint8_t>(value >> 8 * i));
  return *this;
}

Code& Code::imm64(uint64_t value) {
  return imm32(static_cast<uint32_t>(value)).imm32(static_cast<uint32_t>(value >> 32));
}

Code& Code::shutdown(uint32_t reason) {
  bytes({0x68}).imm32(reason);  // push $reason
  bytes({0x48, 0x89, 0xe6});    // mov %rsp, %rsi
  rax(__HYPERVISOR_sched_op).rdi(SCHEDOP_shutdown).syscall();
  return bytes({0xeb, 0xfe});  // jmp .
}

std::vector<std::byte> tiny_kernel(std::span<const uint8_t> code, GuestType type, uint64_t memory_bytes) {
  std::vector<std::byte> notes;
  if (type == GuestType::kPv64) {
    append_note(notes, XEN_ELFNOTE_ENTRY, kTinyKernelAt);
    append_note(notes, XEN_ELFNOTE_VIRT_BASE, uint64_t{0});
  } else {
    append_note(notes, XEN_ELFNOTE_PHYS32_ENTRY, static_cast<uint32_t>(kTinyKernelAt));
  }
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof header;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  const uint64_t notes_offset = sizeof header + 2 * sizeof(Elf64_Phdr);
  const Elf64_Phdr load{PT_LOAD,       PF_R | PF_W | PF_X, kCodeOffset,  kTinyKernelAt,
                        kTinyKernelAt, code.size(),        memory_bytes, 0x1000};
  const Elf64_Phdr note{PT_NOTE, PF_R, notes_offset, 0, 0, notes.size(), notes.size(), 4};
  std::vector<std::byte> file;
  append(file, &header, sizeof header);
  append(file, &load, sizeof load);
  append(file, &note, sizeof note);
  append(file, notes.data(), notes.size());
  file.resize(kCodeOffset);
  append(file, code.data(), code.size());
  return file;
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace assay::testing
