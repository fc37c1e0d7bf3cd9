/// The map that the plugin in QEMU writes to, seen from the host: which steps the hypervisor's code has taken.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/target/xen/file_descriptor.hpp"

namespace assay::xen {

/// Outlives every boot that is given its path.
class EdgeMap {
 public:
  /// Throws TargetUnavailable when there is no memory for it.
  EdgeMap();
  EdgeMap(const EdgeMap&) = delete;
  EdgeMap& operator=(const EdgeMap&) = delete;
  ~EdgeMap();

  /// For processes of the same user, as long as this one lives.
  [[nodiscard]] std::string path() const;
  /// The steps taken since the last call, in order of their places.
  std::vector<uint32_t> take();

 private:
  FileDescriptor file_;
  uint64_t* words_;
};

}  // namespace assay::xen
