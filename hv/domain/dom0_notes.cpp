#include "hv/domain/dom0_notes.hpp"

#include <elf.h>

#include <cstring>
#include <string_view>

#include "sim/abi/xen.hpp"

namespace hv {

namespace {

struct Note {
  uint32_t type;
  FileRange text;

  /// 4 or 8 bytes; anything else is 0.
  [[nodiscard]] uint64_t number() const {
    uint64_t value = 0;
    if (text.bytes == sizeof(uint32_t) || text.bytes == sizeof(uint64_t)) std::memcpy(&value, text.start, text.bytes);
    return value;
  }
  [[nodiscard]] std::string_view string() const {
    return {reinterpret_cast<const char*>(text.start), strnlen(reinterpret_cast<const char*>(text.start), text.bytes)};
  }
};

uint64_t padded(uint64_t bytes) {
  return (bytes + 3) & ~uint64_t{3};
}

/// Features that a kernel may require with '!': the only one of a 64-bit guest that has a name and is always there.
bool all_required_offered(std::string_view features) {
  while (!features.empty()) {
    const size_t bar = features.find('|');
    const std::string_view one = features.substr(0, bar);
    if (one.starts_with('!') && one.substr(1) != "pae_pgdir_above_4gb") return false;
    features.remove_prefix(bar == std::string_view::npos ? features.size() : bar + 1);
  }
  return true;
}

void take_note(const Note& note, KernelImage& kernel, NotesFound& found) {
  found.any = true;
  switch (note.type) {
    case XEN_ELFNOTE_ENTRY:
      kernel.entry = note.number();
      found.entry = true;
      break;
    case XEN_ELFNOTE_VIRT_BASE:
      kernel.virt_base = note.number();
      break;
    case XEN_ELFNOTE_PADDR_OFFSET:
      kernel.paddr_offset = note.number();
      break;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
      kernel.hypercall_page = note.number();
      break;
    case XEN_ELFNOTE_MOD_START_PFN:
      kernel.mod_start_is_pfn = note.number() != 0;
      break;
    case XEN_ELFNOTE_FEATURES:
      if (!all_required_offered(note.string())) found.unknown_required = true;
      break;
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
      if ((note.number() >> XENFEAT_dom0 & 1) == 0) found.no_dom0 = true;
      break;
    default:
      break;
  }
}

}  // namespace

void read_notes(FileRange notes, KernelImage& kernel, NotesFound& found) {
  uint64_t at = 0;
  while (notes.bytes - at >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr header;
    std::memcpy(&header, notes.start + at, sizeof header);
    at += sizeof header;
    const uint64_t name_bytes = padded(header.n_namesz);
    const uint64_t text_bytes = padded(header.n_descsz);
    if (name_bytes > notes.bytes - at || text_bytes > notes.bytes - at - name_bytes) return;
    const bool ours = header.n_namesz == 4 && std::memcmp(notes.start + at, "Xen", 4) == 0;
    const Note note{header.n_type, {notes.start + at + name_bytes, header.n_descsz}};
    if (ours) take_note(note, kernel, found);
    at += name_bytes + text_bytes;
  }
}

}  // namespace hv
