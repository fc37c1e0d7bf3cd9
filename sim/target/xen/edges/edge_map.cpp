#include "sim/target/xen/edges/edge_map.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "sim/target/target.hpp"
#include "sim/target/xen/edges/edge_index.hpp"

namespace assay::xen {

EdgeMap::EdgeMap() : file_(memfd_create("assay-edges", MFD_CLOEXEC)), words_(nullptr) {
  const bool made = file_.get() >= 0 && ftruncate(file_.get(), kEdgeMapBytes) == 0;
  void* const mapped =
      made ? mmap(nullptr, kEdgeMapBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0) : MAP_FAILED;
  if (mapped == MAP_FAILED) {
    throw TargetUnavailable(std::string("target xen: no memory for the map of edges: ") + std::strerror(errno) +
                            "; free some memory, or fuzz with --no-coverage");
  }
  words_ = static_cast<uint64_t*>(mapped);
}

EdgeMap::~EdgeMap() {
  munmap(words_, kEdgeMapBytes);
}

std::string EdgeMap::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file_.get());
}

std::vector<uint32_t> EdgeMap::take() {
  std::vector<uint32_t> taken;
  for (uint32_t i = 0; i < kEdgeMapBytes / sizeof(uint64_t); ++i) {
    if (__atomic_load_n(&words_[i], __ATOMIC_RELAXED) == 0) continue;
    const uint64_t word = __atomic_exchange_n(&words_[i], 0, __ATOMIC_RELAXED);
    for (uint32_t byte = 0; byte < sizeof word; ++byte) {
      if ((word >> (8 * byte) & 0xff) != 0) taken.push_back(i * static_cast<uint32_t>(sizeof word) + byte);
    }
  }
  return taken;
}

}  // namespace assay::xen
