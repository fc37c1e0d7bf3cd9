#include "sim/toolstack/migration/byte_channel.hpp"

#include <algorithm>

namespace assay::migration {

size_t MemorySource::read(std::span<std::byte> out) {
  const size_t count = std::min(out.size(), rest_.size());
  std::copy_n(rest_.begin(), count, out.begin());
  rest_ = rest_.subspan(count);
  return count;
}

}  // namespace assay::migration
