#include "sim/trace/guest_bytes.hpp"

#include <algorithm>
#include <cstring>

namespace assay::trace {

size_t GuestBytes::read(const assay_run& run, uint64_t va, std::span<std::byte> bytes) {
  memory_.use(run);
  size_t done = 0;
  while (done < bytes.size()) {
    const uint64_t at = va + done;
    const GuestMemory::Translation page = memory_.translation(at);
    if (page.host == nullptr) break;
    const uint64_t offset = at & GuestMemory::kOffsetMask;
    const size_t part = std::min<size_t>(bytes.size() - done, ASSAY_PAGE_SIZE - offset);
    std::memcpy(bytes.data() + done, page.host + offset, part);
    done += part;
  }
  return done;
}

}  // namespace assay::trace
