/// A few frames of a PV64 guest of which it makes page tables, and the places where it looks at them.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {

/// Frames go by number. The last one is the level 1 table of a window: its entry i shows a page at an address of the
/// guest's, and updates of it are followed by a flush of that address.
class PageFrames {
 public:
  static constexpr uint32_t kFrames = 7, kWindow = 6;
  /// No frames of the guest: the peer's memory, no memory at all, a number of all ones.
  static constexpr uint32_t kTheirs = 7, kNoMemory = 8, kNoFrame = 9;
  static constexpr uint32_t kNumbers = 10;

  /// Bits 52 to 62 of an entry: the hypervisor may use some to tell a kernel's entries from a user's.
  static constexpr uint64_t kSoftware = 0x7ff0'0000'0000'0000;

  explicit PageFrames(CaseContext& c);

  [[nodiscard]] Gfn frame(uint32_t number) const;
  [[nodiscard]] uint64_t entry(uint32_t number, uint64_t flags) const { return make_entry(frame(number), flags); }
  [[nodiscard]] uint64_t pfn(uint32_t number) const { return pfns_.at(number); }

  /// How the linear map shows the frame: flags of the entry, 0 for none.
  int64_t map(uint32_t number, uint64_t flags) { return remap(*vcpu_, pages_.at(number), flags); }
  int64_t pin(unsigned level, uint32_t number, DomId owner = kDomSelf) { return ops_.pin(level, frame(number), owner); }
  int64_t unpin(uint32_t number, DomId owner = kDomSelf) { return ops_.unpin(frame(number), owner); }
  int64_t set_entry(uint32_t table, unsigned index, uint64_t value, unsigned command = MMU_NORMAL_PT_UPDATE,
                    uint32_t foreign = DOMID_SELF);
  /// update_va_mapping of a page of the window.
  int64_t set_page(unsigned index, uint64_t value, uint64_t flags = UVMF_INVLPG);
  int64_t set_m2p(uint32_t number, uint64_t pfn) { return ops_.set_m2p(frame(number), pfn); }
  int64_t set_user_root(std::optional<uint32_t> number);
  /// A root that is a copy of the guest's, and back. The results of both, and of writing the copy in between.
  struct RootChange {
    int64_t there, writable_meanwhile, back, writable_afterwards;
  };
  RootChange change_root();
  /// new_baseptr with a frame that the guest could not run on: for refusals.
  int64_t set_root(uint32_t number) { return ops_.ext(MMUEXT_NEW_BASEPTR, frame(number).raw()); }
  /// Takes the table above the window's away, and puts it back, without a flush: whether a page is seen meanwhile.
  struct Hiding {
    int64_t gone;
    bool is_seen;
    int64_t back;
  };
  Hiding hide_window(unsigned page);
  /// set_gdt with as many descriptors as these frames hold.
  int64_t set_descriptors(const std::vector<uint32_t>& numbers);
  int64_t set_descriptor(uint32_t number, unsigned index, uint64_t descriptor);
  int64_t clear_page(uint32_t number) { return ops_.ext(MMUEXT_CLEAR_PAGE, frame(number).raw()); }
  int64_t copy_page(uint32_t to, uint32_t from) {
    return ops_.ext(MMUEXT_COPY_PAGE, frame(to).raw(), frame(from).raw());
  }
  int64_t flush(unsigned command);
  /// decrease_reservation. Extents done.
  int64_t give_back(uint32_t number);
  /// New memory in the place of a frame that is gone: unmapped, whatever it holds.
  int64_t renew(uint32_t number);
  int64_t reservation() { return memory_.current_reservation(); }

  /// As the linear map shows it; all ones where it shows nothing.
  uint64_t word(uint32_t number, unsigned index) { return peek(pages_.at(number).va, index); }
  std::array<uint64_t, kEntries> words(uint32_t number);
  uint64_t word_in_window(unsigned page, unsigned index) { return peek(window_.page(page), index); }
  /// Whether it could be written.
  bool write(uint32_t number, unsigned index, uint64_t value) { return poke(pages_.at(number).va, index, value); }
  bool write_in_window(unsigned page, unsigned index, uint64_t value) { return poke(window_.page(page), index, value); }
  /// The same with a word that is there already.
  bool may_write(uint32_t number) { return rewrite(pages_.at(number).va); }
  bool may_write_in_window(unsigned page) { return rewrite(window_.page(page)); }
  /// What the M2P says of the frame.
  uint64_t m2p(uint32_t number);

 private:
  uint64_t peek(Gva page, unsigned index);
  bool poke(Gva page, unsigned index, uint64_t value);
  bool rewrite(Gva page);

  Vcpu* vcpu_;
  MmuOps ops_;
  MemoryOps memory_;
  Scratch list_;
  std::vector<Page> pages_;
  std::vector<uint64_t> pfns_;
  Window window_;
  Page root_, spare_root_;
  Gfn theirs_;
};

}  // namespace assay
