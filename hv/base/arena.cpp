#include "hv/base/arena.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "hv/base/host.hpp"

namespace hv {

namespace {

/// Of all sizes.
constexpr size_t kStep = 32;
/// Between two powers of two there are eight sizes: objects of which there are thousands then do not all begin at the
/// same few sets of a processor's caches, as they would at powers of two.
constexpr size_t kClassesPerDoubling = 8;
constexpr size_t kClasses = 40 * kClassesPerDoubling;

struct FreeBlock {
  FreeBlock* next;
};

/// First object of the arena.
struct Header {
  std::array<FreeBlock*, kClasses> free;
  uint64_t next;
  uint64_t in_use;
};

static_assert(sizeof(Header) <= kPageSize);

Header& header() {
  return *reinterpret_cast<Header*>(host().arena);
}

constexpr size_t class_bytes(size_t bytes) {
  const size_t step = std::bit_floor(bytes) / kClassesPerDoubling;
  const size_t unit = step < kStep ? kStep : step;
  return bytes == 0 ? kStep : (bytes + unit - 1) / unit * unit;
}

/// Of a size that is a class: its power of two, and the eighths beyond.
constexpr size_t class_index(size_t size) {
  const size_t power = std::bit_floor(size);
  return static_cast<size_t>(std::countr_zero(power)) * kClassesPerDoubling +
         (size - power) * kClassesPerDoubling / power;
}

constexpr size_t class_alignment(size_t size) {
  const size_t natural = size_t{1} << std::countr_zero(size);
  return natural < kPageSize ? natural : kPageSize;
}

}  // namespace

void arena_init() {
  HV_ASSERT(host().arena_bytes >= 16 * kPageSize);
  header() = Header{};
  header().next = kPageSize;
}

void* arena_alloc(size_t bytes) {
  if (bytes > host().arena_bytes) return nullptr;
  const size_t size = class_bytes(bytes);
  Header& h = header();
  void* memory = nullptr;
  FreeBlock*& head = h.free[class_index(size)];
  if (head != nullptr) {
    memory = head;
    head = head->next;
    std::memset(memory, 0, size);
  } else {
    const size_t align = class_alignment(size);
    const uint64_t start = (h.next + align - 1) & ~(static_cast<uint64_t>(align) - 1);
    if (start + size > host().arena_bytes) return nullptr;
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
  const size_t size = class_bytes(bytes);
  FreeBlock*& head = h.free[class_index(size)];
  block->next = head;
  head = block;
  h.in_use -= size;
}

size_t arena_in_use() {
  return header().in_use;
}

}  // namespace hv
