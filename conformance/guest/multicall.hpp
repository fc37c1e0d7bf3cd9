/// A multicall under construction, as one vCPU issues it.
#pragma once

#include <initializer_list>

#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

class Multicall {
 public:
  static constexpr uint64_t kEntriesMax = kPageSize / sizeof(multicall_entry_t);

  explicit Multicall(Vcpu& vcpu) : memory_(vcpu) {}

  /// Appends a call; its result field starts as kUntouched64. Returns its index.
  uint32_t add(uint64_t number, std::initializer_list<uint64_t> args = {});
  /// Issues all that were added, and returns the multicall's own result.
  int64_t call() { return call(count_); }
  /// As above with any count.
  int64_t call(uint64_t count) { return raw(list(), count); }
  int64_t raw(Gva entries, uint64_t count);

  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] Gva list() const { return memory_.va(); }
  [[nodiscard]] multicall_entry_t entry(uint32_t index) const;
  [[nodiscard]] int64_t result(uint32_t index) const { return static_cast<int64_t>(entry(index).result); }

 private:
  Scratch memory_;
  uint32_t count_ = 0;
};

}  // namespace assay
