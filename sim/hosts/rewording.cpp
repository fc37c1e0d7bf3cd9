#include "sim/hosts/rewording.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "sim/toolstack/migration/record_codec.hpp"
#include "sim/toolstack/migration/stream_headers.hpp"

namespace assay::hosts {

namespace {

using migration::PageData;
using migration::PageType;
using migration::RecordHeaderBytes;
using migration::RecordType;
using Bytes = std::vector<std::byte>;

/// What pages hold lies in `record`.
std::optional<PageData> pages_in(const Bytes& record) {
  RecordHeaderBytes header;
  if (record.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, record.data(), sizeof header);
  if (header.type != static_cast<uint32_t>(RecordType::kPageData)) return std::nullopt;
  const auto body = std::span(record).subspan(sizeof header, header.body_bytes);
  return std::get<PageData>(migration::decode(RecordType::kPageData, body));
}

/// A body of whole words has no padding.
Bytes record_of(const PageData& pages) {
  const Bytes body = migration::encode(pages);
  const RecordHeaderBytes header{static_cast<uint32_t>(RecordType::kPageData), static_cast<uint32_t>(body.size())};
  const auto bytes = std::as_bytes(std::span(&header, 1));
  Bytes record(bytes.begin(), bytes.end());
  record.insert(record.end(), body.begin(), body.end());
  return record;
}

}  // namespace

bool merge(const Bytes& first, Bytes& second) {
  auto pages = pages_in(first);
  const auto more = pages_in(second);
  if (!pages || !more) {
    second.insert(second.begin(), first.begin(), first.end());
    return false;
  }
  pages->pages.insert(pages->pages.end(), more->pages.begin(), more->pages.end());
  const auto front = pages->content.view(), back = more->content.view();
  Bytes content(front.begin(), front.end());
  content.insert(content.end(), back.begin(), back.end());
  pages->content = std::move(content);
  second = record_of(*pages);
  return true;
}

bool add_hole(Bytes& record, uint64_t pfn) {
  auto pages = pages_in(record);
  if (!pages) return false;
  const auto middle = pages->pages.begin() + static_cast<std::ptrdiff_t>(pages->pages.size() / 2);
  pages->pages.insert(middle, {pfn, PageType::kInvalid});
  record = record_of(*pages);
  return true;
}

std::optional<uint64_t> highest_pfn(const Bytes& record) {
  const auto pages = pages_in(record);
  if (!pages || pages->pages.empty()) return std::nullopt;
  uint64_t highest = 0;
  for (const auto& page : pages->pages) highest = std::max(highest, page.pfn);
  return highest;
}

}  // namespace assay::hosts
