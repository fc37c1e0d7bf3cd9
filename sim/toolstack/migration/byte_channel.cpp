#include "sim/toolstack/migration/byte_channel.hpp"

#include <algorithm>

namespace assay::migration {

std::span<const std::byte> ByteSource::read_in_place(size_t) {
  return {};
}

std::span<const std::byte> MemorySource::read_in_place(size_t bytes) {
  if (bytes > rest_.size()) return {};
  const auto part = rest_.first(bytes);
  rest_ = rest_.subspan(bytes);
  return part;
}

size_t MemorySource::read(std::span<std::byte> out) {
  const size_t count = std::min(out.size(), rest_.size());
  std::copy_n(rest_.begin(), count, out.begin());
  rest_ = rest_.subspan(count);
  return count;
}

}  // namespace assay::migration
