#include "hv/domain/dom0_image.hpp"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "hv/base/host.hpp"
#include "hv/domain/dom0_notes.hpp"

namespace hv {

namespace {

Status refuse(const char* why) {
  log("dom0 kernel: %s", why);
  return fail(XEN_EINVAL);
}

bool inside(const assay_image& image, uint64_t offset, uint64_t bytes) {
  return offset <= image.kernel_bytes && bytes <= image.kernel_bytes - offset;
}

bool is_elf64(const assay_image& image, Elf64_Ehdr& header) {
  if (image.kernel == nullptr || !inside(image, 0, sizeof header)) return false;
  std::memcpy(&header, image.kernel, sizeof header);
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
         header.e_ident[EI_DATA] == ELFDATA2LSB && header.e_machine == EM_X86_64 &&
         header.e_phentsize == sizeof(Elf64_Phdr) && inside(image, header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr));
}

Elf64_Phdr program_header(const assay_image& image, const Elf64_Ehdr& header, uint32_t index) {
  Elf64_Phdr result;
  std::memcpy(&result, image.kernel + header.e_phoff + index * sizeof result, sizeof result);
  return result;
}

Status take_segment(const assay_image& image, const Elf64_Phdr& program, KernelImage& kernel) {
  if (program.p_memsz == 0) return kOk;
  if (kernel.segment_count == KernelImage::kSegmentsMax) return refuse("too many segments");
  if (!inside(image, program.p_offset, program.p_filesz) || program.p_filesz > program.p_memsz) {
    return refuse("a segment lies outside the file");
  }
  const uint64_t address = program.p_paddr - kernel.paddr_offset + kernel.virt_base;
  if (address < kernel.virt_base || address + program.p_memsz < address)
    return refuse("a segment lies below VIRT_BASE");
  const bool first = kernel.segment_count == 0;
  kernel.start = first ? address : std::min(kernel.start, address);
  kernel.end = first ? address + program.p_memsz : std::max(kernel.end, address + program.p_memsz);
  kernel.segments[kernel.segment_count++] = {address, program.p_memsz, image.kernel + program.p_offset,
                                             program.p_filesz};
  return kOk;
}

Status take_notes(const assay_image& image, const Elf64_Ehdr& header, KernelImage& kernel) {
  NotesFound found;
  for (uint32_t i = 0; i < header.e_phnum; ++i) {
    const Elf64_Phdr program = program_header(image, header, i);
    if (program.p_type != PT_NOTE) continue;
    if (!inside(image, program.p_offset, program.p_filesz)) return refuse("the notes lie outside the file");
    read_notes({image.kernel + program.p_offset, program.p_filesz}, kernel, found);
  }
  if (!found.any) return refuse("no Xen notes");
  if (found.unknown_required) return refuse("requires a feature that is not offered");
  if (found.no_dom0) return refuse("does not support being the first domain");
  if (!found.entry) kernel.entry = header.e_entry;
  return kOk;
}

}  // namespace

Status read_kernel(const assay_image& image, KernelImage& kernel) {
  Elf64_Ehdr header;
  if (!is_elf64(image, header)) return refuse("not an ELF64 image for x86-64");
  // Addresses of segments depend on the notes.
  if (const Status status = take_notes(image, header, kernel); !status.ok()) return status;
  for (uint32_t i = 0; i < header.e_phnum; ++i) {
    const Elf64_Phdr program = program_header(image, header, i);
    if (program.p_type != PT_LOAD) continue;
    if (const Status status = take_segment(image, program, kernel); !status.ok()) return status;
  }
  if (kernel.segment_count == 0) return refuse("nothing to load");
  if (kernel.entry < kernel.start || kernel.entry >= kernel.end) return refuse("the entry point is outside");
  return kOk;
}

}  // namespace hv
