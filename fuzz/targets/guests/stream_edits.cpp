#include "fuzz/targets/guests/stream_edits.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "sim/base/strong.hpp"
#include "sim/toolstack/migration/stream_headers.hpp"

namespace assay::fuzz {
namespace {

using migration::Bytes;
using migration::RecordType;

constexpr size_t kHeadersBytes = migration::kImageHeaderBytes + migration::kDomainHeaderBytes;
constexpr size_t kBodyMax = 16384;
constexpr size_t kRecordsMax = 256;

/// Numbers that somebody might compare with, and whatever the input says.
uint64_t chosen(uint64_t value) {
  constexpr std::array<uint64_t, 12> kEdges{0,          1,           2,          0xffff,     0x10000,    0x7fff'ffff,
                                            1ull << 31, 0xffff'ffff, 1ull << 32, 1ull << 52, 1ull << 63, ~uint64_t{0}};
  const auto choice = static_cast<uint8_t>(value >> 56);
  return choice < kEdges.size() ? kEdges[choice] : value & 0x00ff'ffff'ffff'ffff;
}

size_t padded(size_t bytes) {
  return (bytes + migration::kAlignment - 1) / migration::kAlignment * migration::kAlignment;
}

void put(Bytes& body, size_t where, uint64_t value, size_t width) {
  if (body.size() < width) return;
  std::memcpy(&body[where % (body.size() - width + 1)], &value, width);
}

void flip(Bytes& body, size_t where, uint64_t value) {
  if (!body.empty()) body[where % body.size()] ^= std::byte{1} << (value % 8);
}

/// PAGE_DATA begins with the number of its entries.
void set_page(Bytes& body, const Edit& edit) {
  uint32_t count = 0;
  if (body.size() < 2 * sizeof(uint64_t)) return;
  std::memcpy(&count, body.data(), sizeof count);
  if (count == 0 || body.size() < sizeof(uint64_t) * (count + 1ull)) return;
  const size_t at = sizeof(uint64_t) * (1 + edit.where % count);
  uint64_t entry = 0;
  std::memcpy(&entry, &body[at], sizeof entry);
  constexpr unsigned kTypeShift = 60;
  constexpr uint64_t kPfn = (1ull << kTypeShift) - 1;
  entry = edit.value % 2 == 0 ? (entry & kPfn) | edit.value >> 1 << kTypeShift
                              : (entry & ~kPfn) | (edit.value >> 1 & 0xfff);
  std::memcpy(&body[at], &entry, sizeof entry);
}

/// A number in a page's content becomes an entry that leads to a pfn.
void set_entry(Bytes& body, const Edit& edit) {
  if (body.size() <= kPageSize) return;
  const size_t words = kPageSize / sizeof(uint64_t);
  const size_t at = body.size() - kPageSize * (1 + edit.value % (body.size() / kPageSize)) + edit.where % words * 8;
  const uint64_t entry = (edit.value >> 16 & 0xfff) << kPageShift | (edit.value >> 32 & 0xfff);
  std::memcpy(&body[at], &entry, sizeof entry);
}

void make(RawStream& stream, const Edit& edit, bool& is_cut) {
  std::vector<RawRecord>& records = stream.records;
  if (records.empty()) return;
  const size_t index = edit.record % records.size();
  const size_t other = edit.where % records.size();
  const auto at = [&](size_t i) { return records.begin() + static_cast<std::ptrdiff_t>(i); };
  Bytes& body = records[index].body;
  switch (static_cast<EditKind>(edit.kind % static_cast<uint8_t>(EditKind::kCount))) {
    case EditKind::kSetWord:
      return put(body, edit.where, chosen(edit.value), sizeof(uint64_t));
    case EditKind::kSetHalf:
      return put(body, edit.where, chosen(edit.value), sizeof(uint32_t));
    case EditKind::kFlipBit:
      return flip(body, edit.where, edit.value);
    case EditKind::kDrop:
      records.erase(at(index));
      return;
    case EditKind::kRepeat:
      if (records.size() < kRecordsMax) records.insert(at(other), RawRecord(records[index]));
      return;
    case EditKind::kSwap:
      return std::swap(records[index], records[other]);
    case EditKind::kSetType:
      records[index].type =
          edit.where % 2 == 0 ? static_cast<uint32_t>(edit.value % 0x20) : static_cast<uint32_t>(edit.value);
      return;
    case EditKind::kResize:
      return body.resize(edit.value % kBodyMax);
    case EditKind::kSetPage:
      return set_page(body, edit);
    case EditKind::kCheckpoint:
      if (records.size() < kRecordsMax) records.insert(at(index), {static_cast<uint32_t>(RecordType::kCheckpoint), {}});
      return;
    case EditKind::kEntry:
      return set_entry(body, edit);
    case EditKind::kCutBehind:
      records.resize(index + 1);
      is_cut = true;
      return;
    case EditKind::kFlipHeaders:
      return flip(stream.headers, edit.where, edit.value);
    case EditKind::kCount:
      return;
  }
}

Edit random_edit(Entropy& entropy) {
  Edit edit;
  edit.kind = static_cast<uint8_t>(entropy.below(static_cast<size_t>(EditKind::kCount)));
  edit.record = static_cast<uint8_t>(entropy.bits());
  edit.where = static_cast<uint16_t>(entropy.one_in(2) ? entropy.below(64) : entropy.bits());
  edit.value = entropy.one_in(2) ? entropy.bits() : entropy.below(4096);
  return edit;
}

}  // namespace

RawStream RawStream::parse(std::span<const std::byte> bytes) {
  RawStream stream;
  stream.headers.assign(bytes.begin(), bytes.begin() + kHeadersBytes);
  for (size_t at = kHeadersBytes; at < bytes.size();) {
    migration::RecordHeaderBytes header;
    std::memcpy(&header, &bytes[at], sizeof header);
    const auto body = bytes.subspan(at + migration::kRecordHeaderBytes, header.body_bytes);
    stream.records.push_back({header.type, Bytes(body.begin(), body.end())});
    at += migration::kRecordHeaderBytes + padded(header.body_bytes);
  }
  return stream;
}

Bytes RawStream::bytes() const {
  Bytes all = headers;
  for (const RawRecord& record : records) {
    const migration::RecordHeaderBytes header{record.type, static_cast<uint32_t>(record.body.size())};
    const auto raw = std::as_bytes(std::span(&header, 1));
    all.insert(all.end(), raw.begin(), raw.end());
    all.insert(all.end(), record.body.begin(), record.body.end());
    all.resize(padded(all.size()));
  }
  return all;
}

std::vector<Edit> edits_from(std::string_view input) {
  std::vector<Edit> edits;
  for (InputReader reader(input.substr(0, kEditsMax * kEditBytes)); !reader.is_empty();) {
    Edit edit;
    edit.kind = reader.number<uint8_t>();
    edit.record = reader.number<uint8_t>();
    edit.where = reader.number<uint16_t>();
    edit.value = reader.number<uint64_t>();
    edits.push_back(edit);
  }
  return edits;
}

std::string to_input(const std::vector<Edit>& edits) {
  std::string input;
  const auto add = [&](const auto& value) { input.append(reinterpret_cast<const char*>(&value), sizeof value); };
  for (const Edit& edit : edits) {
    add(edit.kind);
    add(edit.record);
    add(edit.where);
    add(edit.value);
  }
  return input;
}

std::vector<Edit> mutated(std::vector<Edit> edits, Entropy& entropy) {
  constexpr size_t kChangesMax = 3;
  for (size_t left = 1 + entropy.below(kChangesMax); left != 0; --left) {
    const size_t at = edits.empty() ? 0 : entropy.below(edits.size());
    if (edits.empty() || (edits.size() < kEditsMax && entropy.one_in(2))) {
      edits.insert(edits.begin() + static_cast<std::ptrdiff_t>(at), random_edit(entropy));
    } else if (entropy.one_in(4)) {
      edits.erase(edits.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (entropy.one_in(2)) {
      edits[at].value = entropy.bits();
    } else {
      edits[at].where = static_cast<uint16_t>(edits[at].where + entropy.below(17) - 8);
      edits[at].record = static_cast<uint8_t>(edits[at].record + entropy.below(3) - 1);
    }
  }
  return edits;
}

Bytes edited(const RawStream& stream, const std::vector<Edit>& edits) {
  RawStream made = stream;
  bool is_cut = false;
  for (const Edit& edit : edits) make(made, edit, is_cut);
  Bytes bytes = made.bytes();
  if (is_cut && !made.records.empty()) bytes.resize(bytes.size() - (made.records.back().body.size() + 1) / 2);
  return bytes;
}

}  // namespace assay::fuzz
