/// Which pages of a tracked domain must be dirty, and what a toolstack that asks is told.
///
/// Sources: the requirements LOGD.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace assay::model {

class LogDirtyModel {
 public:
  /// How another domain has mapped a page that it was granted.
  enum class Mapping : uint8_t { kNone, kReadOnly, kWritable };
  /// kEither: memory that came while the domain was tracked; whether its writes are seen before the next CLEAN is
  /// nobody's promise.
  enum class Bit : uint8_t { kClean, kDirty, kEither };
  struct Page {
    bool has_memory = true;
    Bit bit = Bit::kClean;
    Mapping mapping = Mapping::kNone;
    std::optional<uint64_t> word;  ///< the first one; none: nobody knows
  };
  /// Operations that hand out the bitmap.
  enum class Ask : uint8_t { kPeek, kClean };

  explicit LogDirtyModel(uint32_t pages) : pages_(pages) {}
  [[nodiscard]] Page& page(uint32_t index) { return pages_.at(index); }
  [[nodiscard]] const std::vector<Page>& pages() const { return pages_; }
  /// What was preempted; the domain stands still.
  [[nodiscard]] std::optional<Ask> under_way() const { return under_way_; }
  /// The statistics say as many pages as the bitmap: since the last CLEAN nothing became dirty while it was handed out.
  [[nodiscard]] bool is_counted() const { return is_tracked_ && is_counted_; }

  int64_t enable();
  int64_t off();
  /// Errors of CLEAN and PEEK. What they hand out is what pages() said before.
  [[nodiscard]] int64_t asks() const;
  /// A CLEAN is done.
  void cleaned();
  /// What there is of the guest was handed out by then, and of a CLEAN forgotten: what becomes dirty now stays so.
  void preempted(Ask ask);
  /// The continuation; one of nothing is refused.
  int64_t continued();

  /// By the guest, by a hypercall for it, by a copy.
  void written(uint32_t page, std::optional<uint64_t> word);
  /// By who has mapped it: nobody sees that, before the mapping goes.
  void poked(uint32_t page, uint64_t word) { pages_.at(page).word = word; }
  void mapped(uint32_t page, bool is_readonly);
  void unmapped(uint32_t page);
  /// Memory goes and comes.
  void given_back(uint32_t page);
  void populated(uint32_t page);

 private:
  void becomes_dirty(Page& page);

  std::vector<Page> pages_;
  bool is_tracked_ = false;
  bool is_counted_ = false;
  std::optional<Ask> under_way_;
};

}  // namespace assay::model
