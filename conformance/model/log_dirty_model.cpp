#include "conformance/model/log_dirty_model.hpp"

#include <utility>

#include "sim/abi/xen.hpp"

namespace assay::model {

int64_t LogDirtyModel::enable() {
  if (under_way_) return -XEN_EBUSY;
  if (is_tracked_) return -XEN_EINVAL;
  is_tracked_ = true;
  is_counted_ = false;
  return 0;
}

int64_t LogDirtyModel::off() {
  if (under_way_) return -XEN_EBUSY;
  is_tracked_ = false;
  for (Page& page : pages_) page.is_dirty = false;
  return 0;
}

int64_t LogDirtyModel::asks() const {
  return under_way_ ? -XEN_EBUSY : 0;
}

void LogDirtyModel::cleaned() {
  for (Page& page : pages_) page.is_dirty = false;
  is_counted_ = true;
}

int64_t LogDirtyModel::continued() {
  if (!under_way_) return -XEN_EBUSY;
  if (std::exchange(under_way_, std::nullopt) == Ask::kClean) is_counted_ = !is_missed_by_count_;
  is_missed_by_count_ = false;
  return 0;
}

void LogDirtyModel::becomes_dirty(Page& page) {
  if (!is_tracked_) return;
  page.is_dirty = true;
  is_missed_by_count_ = under_way_ == Ask::kClean;
}

void LogDirtyModel::written(uint32_t page, std::optional<uint64_t> word) {
  pages_.at(page).word = word;
  becomes_dirty(pages_.at(page));
}

void LogDirtyModel::mapped(uint32_t page, bool is_readonly) {
  pages_.at(page).mapping = is_readonly ? Mapping::kReadOnly : Mapping::kWritable;
}

void LogDirtyModel::unmapped(uint32_t page) {
  const Mapping before = std::exchange(pages_.at(page).mapping, Mapping::kNone);
  if (before == Mapping::kWritable) becomes_dirty(pages_.at(page));
}

void LogDirtyModel::given_back(uint32_t page) {
  pages_.at(page).has_memory = false;
}

void LogDirtyModel::populated(uint32_t page) {
  pages_.at(page).has_memory = true;
  pages_.at(page).word.reset();
  becomes_dirty(pages_.at(page));
}

}  // namespace assay::model
