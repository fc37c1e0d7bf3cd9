#include "sim/guest/unicorn/presence_tables.hpp"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace assay::unicorn {

namespace {

constexpr uint64_t kPresent = 1, kWritable = 2, kUser = 4;
constexpr uint64_t kAddressMask = 0x000ffffffffff000u;
constexpr unsigned kTopLevel = 4;

constexpr size_t slot(uint64_t va, unsigned level) {
  return va >> (12 + 9 * (level - 1)) & 511;
}

}  // namespace

PresenceTables::PresenceTables()
    : host_(static_cast<uint8_t*>(
          mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
  if (host_ == MAP_FAILED) throw std::bad_alloc();
}

PresenceTables::~PresenceTables() {
  munmap(host_, kBytes);
}

void PresenceTables::move_to(uint64_t address) {
  clear();
  address_ = address;
}

void PresenceTables::clear() {
  std::memset(host_, 0, used_ == 0 ? kPageBytes : used_);
  used_ = kPageBytes;
}

uint64_t* PresenceTables::table_at(uint64_t entry) const {
  return reinterpret_cast<uint64_t*>(host_ + ((entry & kAddressMask) - address_));
}

uint64_t* PresenceTables::entry(uint64_t va) const {
  auto* table = reinterpret_cast<uint64_t*>(host_);
  for (unsigned level = kTopLevel; level > 1; --level) {
    const uint64_t next = table[slot(va, level)];
    if ((next & kPresent) == 0) return nullptr;
    table = table_at(next);
  }
  return &table[slot(va, 1)];
}

uint64_t* PresenceTables::make_entry(uint64_t va) {
  auto* table = reinterpret_cast<uint64_t*>(host_);
  for (unsigned level = kTopLevel; level > 1; --level) {
    uint64_t& next = table[slot(va, level)];
    if ((next & kPresent) == 0) {
      if (used_ == kBytes) return nullptr;
      next = (address_ + used_) | kPresent | kWritable | kUser;
      used_ += kPageBytes;
    }
    table = table_at(next);
  }
  return &table[slot(va, 1)];
}

bool PresenceTables::allow(uint64_t va, bool is_writable) {
  uint64_t* const place = make_entry(va);
  if (place != nullptr) *place = kPresent | kUser | (is_writable ? kWritable : 0);
  return place != nullptr;
}

void PresenceTables::forbid(uint64_t va) {
  if (uint64_t* const place = entry(va)) *place = 0;
}

bool PresenceTables::allows(uint64_t va) const {
  const uint64_t* const place = entry(va);
  return place != nullptr && (*place & kPresent) != 0;
}

}  // namespace assay::unicorn
