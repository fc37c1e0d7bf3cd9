#include "sim/toolstack/migration/memory_pattern.hpp"

#include <array>

namespace assay::migration {

namespace {

using Words = std::array<uint64_t, kPageSize / sizeof(uint64_t)>;

}  // namespace

uint64_t MemoryPattern::word(uint64_t page, uint64_t index) const {
  return (seed_ + 1) * 0xd1342543de82ef95 ^ page << 32 ^ (index + 1) * 0x9e3779b97f4a7c15;
}

void MemoryPattern::fill(Domain& guest, Gva first) const {
  for (uint64_t page = 0; page < kPages; ++page) {
    Words words;
    for (uint64_t i = 0; i < words.size(); ++i) words[i] = word(page, i);
    guest.vcpu(0).write(first + page * kPageSize, words);
  }
}

std::string MemoryPattern::difference(Domain& guest, Gva first) const {
  for (uint64_t page = 0; page < kPages; ++page) {
    const auto words = guest.vcpu(0).read<Words>(first + page * kPageSize);
    for (uint64_t i = 0; i < words.size(); ++i) {
      if (words[i] != word(page, i)) return "word " + std::to_string(i) + " of page " + std::to_string(page);
    }
  }
  return "";
}

}  // namespace assay::migration
