#include "conformance/model/page_table_model.hpp"

#include <algorithm>
#include <utility>

#include "sim/abi/page_entry.hpp"
#include "sim/abi/xen.hpp"

namespace assay::model {
namespace {

constexpr unsigned kFrameShift = 12;
constexpr unsigned kRootLevel = 4;
/// Which kernel entries have, so that they are told from a user's. Which bit it is, is the hypervisor's affair.
constexpr uint64_t kKernelMark = uint64_t{1} << 52;

using Type = PageTableModel::Type;

uint64_t number_of(uint64_t word) {
  return (word & kPteFrame) >> kFrameShift;
}

unsigned level_of(Type type) {
  const auto level = static_cast<unsigned>(type);
  return level <= kRootLevel ? level : 0;
}

bool is_hypervisors(unsigned level, unsigned index) {
  return level == kRootLevel && index >= kXenSlotFirst && index <= kXenSlotLast;
}

bool is_present(uint64_t word) {
  return (word & kPtePresent) != 0;
}

/// As a table holds it.
uint64_t adjusted(uint64_t word, unsigned level) {
  if (level == kRootLevel) return word | kPteUser | kPteAccessed;
  if (level > 1) return word | kPteUser;
  if ((word & kPteUser) == 0) word |= kKernelMark | kPteUser;
  return (word & kKernelMark) == 0 ? word | kPteGlobal : word;
}

// Descriptors. Source: AMD64 manual, volume 2, chapter 4.7.
constexpr uint64_t kDescriptorPresent = uint64_t{1} << 47, kCodeOrData = uint64_t{1} << 44;
constexpr uint64_t kKernelLevel = uint64_t{3} << 45, kSystemType = uint64_t{15} << 40;

/// Call gates aside, which nobody makes here.
bool fix_descriptor(uint64_t& descriptor) {
  if ((descriptor & kDescriptorPresent) == 0) return true;
  if ((descriptor & kCodeOrData) == 0) return (descriptor & kSystemType) == 0;
  descriptor |= kKernelLevel;
  return true;
}

}  // namespace

PageTableModel::PageTableModel(uint64_t pages) : pages_(pages) {
  for (uint32_t i = 0; i < kFrames; ++i) map(i, i == kWindow ? Mapping::kReadOnly : Mapping::kWritable);
  take(kWindow, Type::kL1);
}

unsigned PageTableModel::level(uint32_t number) const {
  const Frame& frame = frames_.at(number);
  return frame.type_count == 0 ? 0 : level_of(frame.type);
}

bool PageTableModel::is(uint32_t number, Type type) const {
  return frames_.at(number).type_count != 0 && frames_.at(number).type == type;
}

uint64_t PageTableModel::word(uint32_t number, unsigned index) const {
  const Words& words = frames_.at(number).words;
  const auto found = words.find(index);
  return found == words.end() ? 0 : found->second;
}

bool PageTableModel::knows(uint32_t number, unsigned index) const {
  return !is_hypervisors(level(number), index);
}

// References.

int64_t PageTableModel::take_type(uint32_t number, Type type) {
  Frame& frame = frames_.at(number);
  if (frame.type_count != 0) {
    if (frame.type != type) return -XEN_EINVAL;
    ++frame.type_count;
    return 0;
  }
  frame.type = type;
  frame.type_count = 1;
  int64_t result = 0;
  if (level_of(type) != 0) result = validate(number);
  if (type == Type::kDescriptors && !fix_descriptors(number)) result = -XEN_EINVAL;
  if (result != 0) frame.type_count = 0;
  // Whoever could still write to it cannot any more.
  if (type != Type::kWritable) std::erase_if(stale_, [number](const auto& one) { return one.second == number; });
  return result;
}

void PageTableModel::drop_type(uint32_t number) {
  Frame& frame = frames_.at(number);
  if (--frame.type_count != 0) return;
  const unsigned level = level_of(frame.type);
  if (level == 0) return;
  for (const auto& [index, word] : frame.words) {
    if (is_present(word) && !is_hypervisors(level, index)) drop_entry(word, number);
  }
  if (level != kRootLevel) return;
  frame.words.clear();
  littered_.at(number) = true;
}

int64_t PageTableModel::take(uint64_t number, Type type) {
  if (!is_own(number)) return -XEN_EINVAL;
  const auto own = static_cast<uint32_t>(number);
  const int64_t result = take_type(own, type);
  if (result == 0) ++frames_.at(own).count;
  return result;
}

void PageTableModel::drop(uint32_t number) {
  drop_type(number);
  drop_reference(number);
}

void PageTableModel::drop_reference(uint32_t number) {
  if (--frames_.at(number).count == 0) --pages_;
}

// Entries.

int64_t PageTableModel::validate(uint32_t table) {
  const unsigned level = this->level(table);
  Words& words = frames_.at(table).words;
  for (auto at = words.begin(); at != words.end(); ++at) {
    auto& [index, word] = *at;
    if (!is_present(word) || is_hypervisors(level, index)) continue;
    const int64_t result = take_entry(word, table);
    if (result != 0) {
      ++tables_refused_;
      for (auto before = words.begin(); before != at; ++before) {
        if (is_present(before->second) && !is_hypervisors(level, before->first)) drop_entry(before->second, table);
      }
      return result;
    }
    word = adjusted(word, level);
  }
  std::erase_if(words, [level](const auto& one) { return is_hypervisors(level, one.first); });
  return 0;
}

int64_t PageTableModel::take_entry(uint64_t word, uint32_t table) {
  return level(table) == 1 ? take_leaf(word) : take_branch(word, table);
}

void PageTableModel::drop_entry(uint64_t word, uint32_t table) {
  const auto target = static_cast<uint32_t>(number_of(word));
  if (level_of(frames_.at(table).type) == 1) {
    if ((word & kPteWritable) != 0) drop_type(target);
    return drop_reference(target);
  }
  if (target == table) return;
  if (frames_.at(target).type == frames_.at(table).type) {
    --frames_.at(table).linear;
    ++frames_.at(target).linear;
  }
  drop(target);
}

int64_t PageTableModel::take_leaf(uint64_t word) {
  if ((word & (kPteWriteThrough | kPteCacheDisable | kPteLarge)) != 0) return -XEN_EINVAL;
  const uint64_t number = number_of(word);
  if (number == kNoFrame) return -XEN_EINVAL;
  if (number == kNoMemory) return -XEN_EPERM;
  if (!is_own(number)) return -XEN_EBUSY;
  const auto own = static_cast<uint32_t>(number);
  if ((word & kPteWritable) != 0 && take_type(own, Type::kWritable) != 0) return -XEN_EBUSY;
  ++frames_.at(own).count;
  return 0;
}

int64_t PageTableModel::take_branch(uint64_t word, uint32_t table) {
  if ((word & (kPteWriteThrough | kPteCacheDisable | kPteLarge | kPteGlobal)) != 0) return -XEN_EINVAL;
  const auto below = static_cast<Type>(level(table) - 1);
  const int64_t result = take(number_of(word), below);
  if (result != -XEN_EINVAL) return result;
  return take_linear(number_of(word), table, (word & kPteWritable) != 0) ? 0 : result;
}

bool PageTableModel::take_linear(uint64_t target, uint32_t table, bool is_writable) {
  if (is_writable) return false;
  if (target == table) return true;
  if (!is_own(target)) return false;
  Frame& from = frames_.at(table);
  Frame& to = frames_.at(static_cast<uint32_t>(target));
  if (from.linear < 0 || to.linear > 0 || to.type_count == 0 || to.type != from.type) return false;
  ++from.linear;
  --to.linear;
  return take(target, from.type) == 0;
}

bool PageTableModel::fix_descriptors(uint32_t number) {
  for (auto& [index, word] : frames_.at(number).words) {
    if (!fix_descriptor(word)) return false;
  }
  return true;
}

// What guests do.

int64_t PageTableModel::map(uint32_t number, Mapping mapping) {
  Frame& frame = frames_.at(number);
  if (mapping == Mapping::kWritable && take_type(number, Type::kWritable) != 0) return -XEN_EBUSY;
  if (mapping != Mapping::kNone) ++frame.count;
  const Mapping before = frame.mapping;
  frame.mapping = mapping;
  if (before == Mapping::kWritable) drop_type(number);
  if (before != Mapping::kNone) drop_reference(number);
  return 0;
}

int64_t PageTableModel::pin(unsigned level, uint32_t number) {
  tables_refused_ = 0;
  const int64_t result = take(number, static_cast<Type>(level));
  if (result != 0) return result;
  Frame& frame = frames_.at(number);
  if (frame.is_pinned) {
    drop(number);
    return -XEN_EINVAL;
  }
  frame.is_pinned = true;
  return 0;
}

int64_t PageTableModel::unpin(uint32_t number) {
  if (!is_own(number) || !frames_.at(number).is_pinned) return -XEN_EINVAL;
  frames_.at(number).is_pinned = false;
  drop(number);
  return 0;
}

int64_t PageTableModel::set_entry(uint32_t table, unsigned index, uint64_t word, bool preserves_ad) {
  if (!is_own(table)) return -XEN_EINVAL;
  Frame& frame = frames_.at(table);
  const unsigned level = this->level(table);
  if (level == 0) {
    if (frame.type_count != 0 && frame.type != Type::kWritable) return -XEN_EINVAL;
    frame.words[index] = word;
    return 0;
  }
  if (is_hypervisors(level, index)) return -XEN_EINVAL;
  if (is_present(word)) {
    const int64_t result = take_entry(word, table);
    if (result != 0) return result;
    word = adjusted(word, level);
  }
  const uint64_t before = std::exchange(frame.words[index], word);
  if (table == kWindow && is_present(before))
    stale_[index] = (before & kPteWritable) != 0 ? number_of(before) : kNoFrame;
  if (preserves_ad) frame.words[index] |= before & (kPteAccessed | kPteDirty);
  if (is_present(before)) drop_entry(before, table);
  return 0;
}

int64_t PageTableModel::set_m2p(uint32_t number, uint64_t pfn) {
  if (!is_own(number)) return -XEN_EINVAL;
  frames_.at(number).pfn = pfn;
  return 0;
}

int64_t PageTableModel::replace(std::vector<uint32_t>& held, const std::vector<uint32_t>& numbers, Type type) {
  for (auto at = numbers.begin(); at != numbers.end(); ++at) {
    const int64_t result = take(*at, type);
    if (result == 0) continue;
    std::for_each(numbers.begin(), at, [this](uint32_t number) { drop(number); });
    return result;
  }
  for (const uint32_t number : std::exchange(held, numbers)) drop(number);
  return 0;
}

int64_t PageTableModel::set_user_root(std::optional<uint32_t> number) {
  tables_refused_ = 0;
  return replace(user_root_, number ? std::vector{*number} : std::vector<uint32_t>{}, Type::kL4);
}

int64_t PageTableModel::set_descriptors(const std::vector<uint32_t>& numbers) {
  return replace(descriptors_, numbers, Type::kDescriptors);
}

int64_t PageTableModel::set_descriptor(uint32_t number, unsigned index, uint64_t descriptor) {
  if (!fix_descriptor(descriptor) || !is_own(number) || level(number) != 0) return -XEN_EINVAL;
  frames_.at(number).words[index] = descriptor;
  return 0;
}

int64_t PageTableModel::clear_page(uint32_t number) {
  if (!is_own(number)) return -XEN_EINVAL;
  Frame& frame = frames_.at(number);
  if (frame.type_count != 0 && frame.type != Type::kWritable) return -XEN_EINVAL;
  frame.words.clear();
  littered_.at(number) = false;
  return 0;
}

int64_t PageTableModel::copy_page(uint32_t to, uint32_t from) {
  if (!is_own(from) || !is_own(to)) return -XEN_EINVAL;
  const Words words = frames_.at(from).words;
  const int64_t result = clear_page(to);
  if (result == 0) frames_.at(to).words = words;
  return result;
}

int64_t PageTableModel::give_back(uint32_t number) {
  if (!is_own(number)) return 0;
  if (std::exchange(frames_.at(number).is_allocated, false)) drop_reference(number);
  return 1;
}

std::vector<std::pair<uint32_t, unsigned>> PageTableModel::mentions(uint32_t number) const {
  std::vector<std::pair<uint32_t, unsigned>> places;
  for (uint32_t table = 0; table < kFrames; ++table) {
    for (const auto& [index, word] : frames_.at(table).words) {
      if (is_present(word) && number_of(word) == number && !is_gone(table)) places.emplace_back(table, index);
    }
  }
  return places;
}

void PageTableModel::renew(uint32_t number, uint64_t pfn) {
  frames_.at(number) = {.pfn = pfn, .words = {}};
  littered_.at(number) = false;
  ++pages_;
}

}  // namespace assay::model
