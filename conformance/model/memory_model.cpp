#include "conformance/model/memory_model.hpp"

#include <algorithm>

#include "sim/abi/xen.hpp"

namespace assay::model {

int64_t MemoryModel::populate(std::span<const uint32_t> places) {
  int64_t done = 0;
  for (const uint32_t index : places) {
    if (pages_ >= limit_) break;
    ++pages_;
    places_.at(index) = {.kind = Place::Kind::kRam};
    ++done;
  }
  return done;
}

int64_t MemoryModel::decrease(std::span<const uint32_t> places) {
  int64_t done = 0;
  for (const uint32_t index : places) {
    if (places_.at(index).kind != Place::Kind::kRam) break;
    give_up(places_.at(index));
    ++done;
  }
  return done;
}

int64_t MemoryModel::increase(uint64_t count) {
  const uint64_t done = std::min(count, limit_ > pages_ ? limit_ - pages_ : 0);
  pages_ += done;
  return static_cast<int64_t>(done);
}

int64_t MemoryModel::remove_from_physmap(uint32_t place) {
  if (places_.at(place).kind == Place::Kind::kEmpty) return -XEN_ENOENT;
  places_.at(place) = {};
  return 0;
}

int64_t MemoryModel::move(uint32_t from, uint32_t to) {
  const Place moved = places_.at(from);
  if (moved.kind == Place::Kind::kEmpty) return -XEN_EINVAL;
  give_up(places_.at(to));
  places_.at(from) = {};
  places_.at(to) = moved;
  return 0;
}

int64_t MemoryModel::show_grant_frame(uint32_t index, uint32_t place) {
  const auto is_shown = [index](const Place& one) {
    return one.kind == Place::Kind::kGrantFrame && one.grant_index == index;
  };
  const auto before = std::ranges::find_if(places_, is_shown);
  give_up(places_.at(place));
  if (before != places_.end()) *before = {};
  places_.at(place) = {.kind = Place::Kind::kGrantFrame, .grant_index = index};
  return 0;
}

void MemoryModel::give_up(Place& place) {
  if (place.kind == Place::Kind::kRam) --pages_;
  place = {};
}

}  // namespace assay::model
