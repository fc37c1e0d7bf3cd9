#include "hv/base/arena.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "hv/base/host.hpp"

namespace hv {

namespace {

constexpr size_t kSmallest = 32;
constexpr unsigned kClasses = 40;

struct FreeBlock {
  FreeBlock* next;
};

/// First object of the arena.
struct Header {
  std::array<FreeBlock*, kClasses> free;
  uint64_t next;
  uint64_t in_use;
};

Header& header() {
  return *reinterpret_cast<Header*>(host().arena);
}

size_t class_bytes(size_t bytes) {
  return std::bit_ceil(bytes < kSmallest ? kSmallest : bytes);
}

unsigned class_index(size_t bytes) {
  return static_cast<unsigned>(std::countr_zero(class_bytes(bytes)));
}

}  // namespace

void arena_init() {
  HV_ASSERT(host().arena_bytes >= 16 * kPageSize);
  header() = Header{};
  header().next = kPageSize;
}

void* arena_alloc(size_t bytes) {
  const size_t size = class_bytes(bytes);
  Header& h = header();
  void* memory = nullptr;
  FreeBlock*& head = h.free[class_index(bytes)];
  if (head != nullptr) {
    memory = head;
    head = head->next;
    std::memset(memory, 0, size);
  } else {
    const size_t align = size < kPageSize ? size : kPageSize;
    const uint64_t start = (h.next + align - 1) & ~(static_cast<uint64_t>(align) - 1);
    if (size > host().arena_bytes || start > host().arena_bytes - size) return nullptr;
    memory = host().arena + start;  // fresh arena memory is zero
    h.next = start + size;
  }
  h.in_use += size;
  return memory;
}

void arena_free(void* memory, size_t bytes) {
  if (memory == nullptr) return;
  Header& h = header();
  auto* block = static_cast<FreeBlock*>(memory);
  FreeBlock*& head = h.free[class_index(bytes)];
  block->next = head;
  head = block;
  h.in_use -= class_bytes(bytes);
}

size_t arena_in_use() {
  return header().in_use;
}

}  // namespace hv
