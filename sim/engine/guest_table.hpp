/// Who executes which vCPU, found at once however many there are.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/engine/guest_executor.hpp"

namespace assay {

class GuestTable {
 public:
  /// In the place of who executed it before.
  void attach(uint16_t domid, uint32_t vcpu, GuestExecutor& guest) {
    if (domains_.size() <= domid) domains_.resize(domid + 1u);
    std::vector<GuestExecutor*>& vcpus = domains_[domid];
    if (vcpus.size() <= vcpu) vcpus.resize(vcpu + 1);
    vcpus[vcpu] = &guest;
  }
  void detach(const GuestExecutor& guest) {
    for (std::vector<GuestExecutor*>& vcpus : domains_) {
      for (GuestExecutor*& there : vcpus) {
        if (there == &guest) there = nullptr;
      }
    }
  }
  /// Null when nobody does.
  [[nodiscard]] GuestExecutor* find(uint16_t domid, uint32_t vcpu) const {
    if (domid >= domains_.size() || vcpu >= domains_[domid].size()) return nullptr;
    return domains_[domid][vcpu];
  }
  template <typename Action>
  void for_each(const Action& action) const {
    for (const std::vector<GuestExecutor*>& vcpus : domains_) {
      for (GuestExecutor* const guest : vcpus) {
        if (guest != nullptr) action(*guest);
      }
    }
  }

 private:
  std::vector<std::vector<GuestExecutor*>> domains_;
};

}  // namespace assay
