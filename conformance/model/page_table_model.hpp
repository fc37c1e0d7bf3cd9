/// Page tables of a PV64 guest, made of a few frames of its own: what each frame is in use as, who refers to it, what
/// its entries say, and what every update of them answers.
///
/// Sources: the requirements MMU, MMU-L1, MMU-TYPE, MMU-LIN, MMUEXT, UVA-002, GDT and MEM-RES-012.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace assay::model {

class PageTableModel {
 public:
  /// Frames of the guest, by number. The last one is in use as a level 1 table from the beginning: the guest's root
  /// leads to it.
  static constexpr uint32_t kFrames = 7, kWindow = 6;
  /// Numbers that an entry may have instead: memory of another domain, no memory at all, all ones.
  static constexpr uint32_t kTheirs = 7, kNoMemory = 8, kNoFrame = 9;

  enum class Type : uint8_t { kNone, kL1, kL2, kL3, kL4, kDescriptors, kWritable };
  /// How the guest's linear map shows a frame.
  enum class Mapping : uint8_t { kNone, kReadOnly, kWritable };

  /// Words by their index; the others are zero. In a word that is a present entry the frame is a number as above.
  using Words = std::map<unsigned, uint64_t>;

  struct Frame {
    Type type = Type::kNone;  ///< while type_count is not zero
    uint32_t type_count = 0;
    uint32_t count = 1;  ///< of all that refers to it, its allocation among them
    bool is_allocated = true;
    bool is_pinned = false;
    int32_t linear = 0;  ///< > 0: so many entries name tables of its own level; < 0: so many of those name it
    Mapping mapping = Mapping::kNone;
    uint64_t pfn = 0;  ///< what the M2P says
    Words words;
  };

  explicit PageTableModel(uint64_t pages);
  [[nodiscard]] const Frame& frame(uint32_t number) const { return frames_.at(number); }
  [[nodiscard]] bool is(uint32_t number, Type type) const;
  /// Of what is a page table; 0 otherwise.
  [[nodiscard]] unsigned level(uint32_t number) const;
  [[nodiscard]] uint64_t word(uint32_t number, unsigned index) const;
  /// Entries of the hypervisor's own in a table of level 4 say what they like.
  [[nodiscard]] bool knows(uint32_t number, unsigned index) const;
  /// Memory of the guest, in pages.
  [[nodiscard]] uint64_t pages() const { return pages_; }
  /// What the page of the window shows is what its entry says now, not what it said before the last flush.
  [[nodiscard]] bool is_flushed(unsigned page) const { return !stale_.contains(page); }

  /// update_va_mapping of the frame's place in the linear map.
  int64_t map(uint32_t number, Mapping mapping);
  int64_t pin(unsigned level, uint32_t number);
  int64_t unpin(uint32_t number);
  /// mmu_update of one word.
  int64_t set_entry(uint32_t table, unsigned index, uint64_t word, bool preserves_ad);
  int64_t set_m2p(uint32_t number, uint64_t pfn);
  /// Of one page of the window, or of everything.
  void flush(unsigned page) { stale_.erase(page); }
  void flush_all() { stale_.clear(); }
  int64_t set_user_root(std::optional<uint32_t> number);
  /// set_gdt with a table of these frames.
  int64_t set_descriptors(const std::vector<uint32_t>& numbers);
  int64_t set_descriptor(uint32_t number, unsigned index, uint64_t descriptor);
  int64_t clear_page(uint32_t number);
  int64_t copy_page(uint32_t to, uint32_t from);
  /// decrease_reservation. Extents done.
  int64_t give_back(uint32_t number);
  /// The guest writes through a mapping of its own.
  void write(uint32_t number, unsigned index, uint64_t word) { frames_.at(number).words[index] = word; }

  /// Tables that the last pin or set_user_root refused: one inside the other, when it was an entry far down.
  [[nodiscard]] unsigned tables_refused() const { return tables_refused_; }

  /// Nothing refers to the frame any more: it is the hypervisor's.
  [[nodiscard]] bool is_gone(uint32_t number) const { return frames_.at(number).count == 0; }
  /// Words that name a frame without holding it: table and index.
  [[nodiscard]] std::vector<std::pair<uint32_t, unsigned>> mentions(uint32_t number) const;
  /// New memory in the place of a frame that is gone.
  void renew(uint32_t number, uint64_t pfn);
  /// Was a table of level 4 and is none any more: what the hypervisor had in it, nobody knows.
  [[nodiscard]] bool is_littered(uint32_t number) const { return littered_.at(number); }

 private:
  [[nodiscard]] static bool is_own(uint64_t number) { return number < kFrames; }
  int64_t take_type(uint32_t number, Type type);
  void drop_type(uint32_t number);
  int64_t take(uint64_t number, Type type);
  void drop(uint32_t number);
  void drop_reference(uint32_t number);
  int64_t validate(uint32_t table);
  int64_t take_entry(uint64_t word, uint32_t table);
  void drop_entry(uint64_t word, uint32_t table);
  int64_t take_leaf(uint64_t word);
  int64_t take_branch(uint64_t word, uint32_t table);
  bool take_linear(uint64_t target, uint32_t table, bool is_writable);
  bool fix_descriptors(uint32_t number);
  int64_t replace(std::vector<uint32_t>& held, const std::vector<uint32_t>& numbers, Type type);

  std::array<Frame, kFrames> frames_;
  std::array<bool, kFrames> littered_{};
  unsigned tables_refused_ = 0;
  uint64_t pages_;
  std::vector<uint32_t> user_root_;  ///< one, or none
  std::vector<uint32_t> descriptors_;
  /// Pages of the window whose old translation may be in use, and what it can write to: kNoFrame for nothing.
  std::map<unsigned, uint64_t> stale_;
};

}  // namespace assay::model
