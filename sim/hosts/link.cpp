#include "sim/hosts/link.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "sim/base/strong.hpp"
#include "sim/hosts/rewording.hpp"

namespace assay::hosts {

namespace {

using migration::kAlignment;
using migration::RecordHeaderBytes;

constexpr uint64_t kHeadersBytes = migration::kImageHeaderBytes + migration::kDomainHeaderBytes;
constexpr std::byte kFlipped{0x55};
constexpr std::array<std::pair<LinkFault, std::string_view>, 12> kNames{{{LinkFault::kNone, "none"},
                                                                         {LinkFault::kLost, "lost"},
                                                                         {LinkFault::kVanished, "vanished"},
                                                                         {LinkFault::kCorrupted, "corrupted"},
                                                                         {LinkFault::kReordered, "reordered"},
                                                                         {LinkFault::kDuplicated, "duplicated"},
                                                                         {LinkFault::kTruncated, "truncated"},
                                                                         {LinkFault::kDelayed, "delayed"},
                                                                         {LinkFault::kFull, "full"},
                                                                         {LinkFault::kSourceDied, "source-died"},
                                                                         {LinkFault::kMerged, "merged"},
                                                                         {LinkFault::kHoled, "holed"}}};

uint64_t folded(uint64_t digest, std::span<const std::byte> part) {
  return XXH3_64bits_withSeed(part.data(), part.size(), digest);
}

}  // namespace

std::string_view to_string(LinkFault fault) {
  return std::ranges::find(kNames, fault, &decltype(kNames)::value_type::first)->second;
}

std::optional<LinkFault> link_fault_from(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name, &decltype(kNames)::value_type::second);
  return found == kNames.end() ? std::nullopt : std::optional(found->first);
}

Link::Link(const LinkOptions& options, migration::ByteSink& far_end, PassTime pass_time)
    : options_(options), far_end_(far_end), pass_time_(std::move(pass_time)) {}

uint64_t Link::missing() const {
  if (parts_ == 0) return kHeadersBytes - taken_;
  if (taken_ < sizeof header_) return sizeof header_ - taken_;
  const uint64_t body = (uint64_t{header_.body_bytes} + kAlignment - 1) / kAlignment * kAlignment;
  return sizeof header_ + body - taken_;
}

void Link::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const uint64_t count = std::min<uint64_t>(missing(), bytes.size());
    add(bytes.first(count));
    bytes = bytes.subspan(count);
    if (missing() == 0) end_of_part();
  }
}

void Link::add(std::span<const std::byte> bytes) {
  if (taken_ < sizeof header_) {
    const size_t count = std::min(bytes.size(), sizeof header_ - taken_);
    std::memcpy(reinterpret_cast<std::byte*>(&header_) + taken_, bytes.data(), count);
  }
  taken_ += bytes.size();
  if (!is_perfect()) {
    part_.insert(part_.end(), bytes.begin(), bytes.end());
    return;
  }
  take_time(bytes.size());
  deliver(bytes);
}

void Link::take_time(uint64_t bytes) {
  owed_ns_ += options_.ns_per_page * bytes;
  pass_time_(owed_ns_ / kPageSize);
  owed_ns_ %= kPageSize;
}

void Link::end_of_part() {
  if (!is_perfect()) {
    take_time(taken_);
    if (parts_ == options_.part) note_met();
    if (reword()) forward();
    part_.clear();
  } else {
    note_sent(taken_);
  }
  taken_ = 0;
  ++parts_;
}

void Link::note_met() {
  met_ = parts_ == 0 ? "headers" : migration::name_of(header_.type);
}

void Link::note_sent(uint64_t bytes) {
  largest_ = std::max(largest_, bytes);
  sent_bytes_ += bytes;
}

bool Link::reword() {
  if (options_.fault == LinkFault::kMerged) {
    if (parts_ == options_.part) {
      to_merge_ = part_;
      return false;
    }
    if (!to_merge_.empty()) has_struck_ = merge(std::exchange(to_merge_, {}), part_);
  }
  if (options_.fault == LinkFault::kHoled) {
    const uint64_t before = highest_pfn_;
    highest_pfn_ = std::max(before, highest_pfn(part_).value_or(0));
    const bool is_first_time = highest_pfn_ > before && highest_pfn_ + 1 < options_.pages;
    if (parts_ == options_.part && is_first_time) has_struck_ = add_hole(part_, highest_pfn_ + 1);
  }
  return true;
}

void Link::forward() {
  note_sent(part_.size());
  digest_ = folded(digest_, part_);
  const bool is_reworded = options_.fault == LinkFault::kMerged || options_.fault == LinkFault::kHoled;
  if (!is_reworded && parts_ == options_.part) {
    has_struck_ = true;
    strike();
  } else {
    deliver(part_);
    deliver(std::exchange(held_back_, {}));
  }
}

void Link::strike() {
  const uint64_t byte = std::min<uint64_t>(options_.byte, part_.size() - 1);
  const std::string where = "at part " + std::to_string(parts_) + " of the stream";
  switch (options_.fault) {
    case LinkFault::kNone:
    case LinkFault::kMerged:
    case LinkFault::kHoled:
      return;
    case LinkFault::kLost:
      deliver(std::span(part_).first(byte));
      throw LinkError(options_.fault, "the connection is lost " + where);
    case LinkFault::kVanished:
      deliver(std::span(part_).first(byte));
      is_broken_ = true;
      return;
    case LinkFault::kCorrupted:
      part_[byte] ^= kFlipped;
      return deliver(part_);
    case LinkFault::kReordered:
      held_back_ = part_;
      return;
    case LinkFault::kDuplicated:
      deliver(part_);
      return deliver(part_);
    case LinkFault::kTruncated:
      return deliver(std::span(part_).first(byte));
    case LinkFault::kDelayed:
      pass_time_(kLinkDelayNs);
      return deliver(part_);
    case LinkFault::kFull:
      throw LinkError(options_.fault, "no room is left " + where);
    case LinkFault::kSourceDied:
      throw LinkError(options_.fault, "the sending host died " + where);
  }
}

void Link::deliver(std::span<const std::byte> part) {
  if (part.empty() || is_broken_) return;
  if (!is_perfect()) arrived_digest_ = folded(arrived_digest_, part);
  arrived_bytes_ += part.size();
  far_end_.write(part);
}

void Link::close() {
  if (!to_merge_.empty()) {
    part_ = std::exchange(to_merge_, {});
    forward();
  }
  deliver(std::exchange(held_back_, {}));
}

bool Link::arrived_as_sent() const {
  return arrived_bytes_ == sent_bytes_ && digest_ == arrived_digest_;
}

}  // namespace assay::hosts
