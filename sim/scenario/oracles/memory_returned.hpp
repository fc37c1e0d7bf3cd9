/// What a domain took of the host's memory comes back when it goes, or when it could not be built.
#pragma once

#include <map>

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

/// It is told how many frames are free around each creation and each end of a domain.
class MemoryReturned final : public Oracle {
 public:
  MemoryReturned() : Oracle("memory returned") {}

  /// `size`: of two domains of the same size, one takes as much as the other.
  void created(const std::string& domain, uint64_t size, uint64_t free_before, uint64_t free_after);
  /// The hypervisor had no memory for it.
  void refused(const std::string& domain, uint64_t size, uint64_t now_ns, uint64_t free_before, uint64_t free_after);
  void destroyed(const std::string& domain, uint64_t now_ns, uint64_t free_before, uint64_t free_after);

 private:
  std::map<uint64_t, uint64_t> taken_by_size_;
  std::map<std::string, uint64_t> taken_;
};

}  // namespace assay::scenario
