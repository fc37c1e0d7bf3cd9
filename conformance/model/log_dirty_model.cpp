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
  for (Page& page : pages_) page.bit = Bit::kClean;
  return 0;
}

int64_t LogDirtyModel::asks() const {
  return under_way_ ? -XEN_EBUSY : 0;
}

void LogDirtyModel::cleaned() {
  for (Page& page : pages_) page.bit = Bit::kClean;
  is_counted_ = true;
}

void LogDirtyModel::preempted(Ask ask) {
  under_way_ = ask;
  if (ask == Ask::kClean) cleaned();
}

int64_t LogDirtyModel::continued() {
  if (!under_way_) return -XEN_EBUSY;
  under_way_.reset();
  return 0;
}

void LogDirtyModel::becomes_dirty(Page& page) {
  if (!is_tracked_) return;
  if (page.bit == Bit::kClean) page.bit = Bit::kDirty;
  if (under_way_ == Ask::kClean) is_counted_ = false;  // it sets the count back in the end
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
  Page& populated = pages_.at(page);
  populated.has_memory = true;
  populated.word.reset();
  if (is_tracked_) populated.bit = Bit::kEither;
}

}  // namespace assay::model
