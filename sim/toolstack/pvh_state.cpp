#include <cstring>

#include "sim/toolstack/vcpu_state.hpp"

namespace assay::toolstack {

namespace {

constexpr uint64_t kCr0ProtectedMode = 0x11;  // PE, ET
constexpr uint64_t kCr0Paging = 0x80010031;   // PG, WP, NE, ET, PE
constexpr uint64_t kCr4Pae = 0x20;
constexpr uint64_t kEferLongMode = 0x500;  // LME, LMA
constexpr uint64_t kRflagsReserved = 0x2;  // bit 1 is always set
constexpr uint64_t kDr6Reset = 0xffff0ff0;
constexpr uint64_t kDr7Reset = 0x400;
constexpr uint32_t kFlatLimit = 0xffffffff;
constexpr uint32_t kCode32 = 0xc9b;  // present, code, readable, accessed, 32-bit, 4 KiB units
constexpr uint32_t kData32 = 0xc93;  // present, data, writable, accessed, 32-bit, 4 KiB units
constexpr uint32_t kBusyTss = 0x8b;
constexpr uint32_t kTssLimit = 0x67;

void append(std::vector<std::byte>& stream, const void* data, size_t bytes) {
  const auto* first = static_cast<const std::byte*>(data);
  stream.insert(stream.end(), first, first + bytes);
}

void append_record(std::vector<std::byte>& stream, size_t typecode, const void* data, size_t bytes) {
  hvm_save_descriptor descriptor;
  descriptor.typecode = static_cast<uint16_t>(typecode);
  descriptor.instance = 0;
  descriptor.length = static_cast<uint32_t>(bytes);
  append(stream, &descriptor, sizeof descriptor);
  append(stream, data, bytes);
}

hvm_save_header file_header(uint32_t processor) {
  hvm_save_header header;
  std::memset(&header, 0, sizeof header);
  header.magic = HVM_FILE_MAGIC;
  header.version = HVM_FILE_VERSION;
  header.cpuid = processor;
  return header;
}

hvm_hw_cpu protected_mode() {
  hvm_hw_cpu cpu;
  std::memset(&cpu, 0, sizeof cpu);
  cpu.rflags = kRflagsReserved;
  cpu.cr0 = kCr0ProtectedMode;
  cpu.dr6 = kDr6Reset;
  cpu.dr7 = kDr7Reset;
  cpu.cs_arbytes = kCode32;
  cpu.ds_arbytes = cpu.es_arbytes = cpu.ss_arbytes = kData32;
  cpu.cs_limit = cpu.ds_limit = cpu.es_limit = cpu.ss_limit = kFlatLimit;
  cpu.tr_arbytes = kBusyTss;
  cpu.tr_limit = kTssLimit;
  return cpu;
}

}  // namespace

std::vector<std::byte> first_pvh_records(uint64_t entry_physical, uint64_t start_info_physical, uint32_t processor) {
  const hvm_save_header header = file_header(processor);
  hvm_hw_cpu cpu = protected_mode();
  cpu.rip = entry_physical;
  cpu.rbx = start_info_physical;
  std::vector<std::byte> stream;
  append_record(stream, HVM_SAVE_CODE(HEADER), &header, sizeof header);
  append_record(stream, HVM_SAVE_CODE(CPU), &cpu, sizeof cpu);
  append_record(stream, HVM_SAVE_CODE(END), nullptr, 0);
  return stream;
}

vcpu_hvm_context further_pvh_context(const assay_agent_layout& layout, uint32_t vcpu_id) {
  vcpu_hvm_context context;
  std::memset(&context, 0, sizeof context);
  context.mode = VCPU_HVM_MODE_64B;
  vcpu_hvm_x86_64& regs = context.cpu_regs.x86_64;
  regs.rip = layout.pvh_secondary;
  regs.rdi = vcpu_id;
  regs.rsp = stack_end(layout, vcpu_id).raw();
  regs.rflags = kRflagsReserved;
  regs.cr0 = kCr0Paging;
  regs.cr3 = layout.pvh_page_tables - layout.virt_base;
  regs.cr4 = kCr4Pae;
  regs.efer = kEferLongMode;
  return context;
}

}  // namespace assay::toolstack
