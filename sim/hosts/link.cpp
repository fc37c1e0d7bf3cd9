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

Link::Link(const LinkOptions& options, std::vector<std::byte>& arrived, PassTime pass_time)
    : options_(options), pass_time_(std::move(pass_time)), arrived_(&arrived) {
  arrived.clear();
}

uint64_t Link::missing() {
  const std::span<const std::byte> part = std::span(collected()).subspan(start_);
  if (parts_ == 0) return kHeadersBytes - part.size();
  RecordHeaderBytes header;
  if (part.size() < sizeof header) return sizeof header - part.size();
  std::memcpy(&header, part.data(), sizeof header);
  const uint64_t body = (uint64_t{header.body_bytes} + kAlignment - 1) / kAlignment * kAlignment;
  return sizeof header + body - part.size();
}

void Link::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const uint64_t count = std::min<uint64_t>(missing(), bytes.size());
    collected().insert(collected().end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    if (missing() == 0) end_of_part();
  }
}

void Link::end_of_part() {
  const uint64_t size = collected().size() - start_;
  owed_ns_ += options_.ns_per_page * size;
  pass_time_(owed_ns_ / kPageSize);
  owed_ns_ %= kPageSize;
  if (is_perfect()) {
    // What was sent is what has arrived, so neither needs a checksum.
    note_sent(size);
    start_ = arrived_->size();
  } else {
    if (reword()) forward();
    part_.clear();
  }
  ++parts_;
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
  arrived_digest_ = folded(arrived_digest_, part);
  arrived_->insert(arrived_->end(), part.begin(), part.end());
}

void Link::close() {
  if (!to_merge_.empty()) {
    part_ = std::exchange(to_merge_, {});
    forward();
  }
  deliver(std::exchange(held_back_, {}));
}

bool Link::arrived_as_sent() const {
  return arrived_->size() == sent_bytes_ && digest_ == arrived_digest_;
}

}  // namespace assay::hosts
