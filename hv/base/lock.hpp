/// A spinlock whose acquisition and release are scheduling points: between them another pCPU's fiber may run, so races
/// inside the core exist and can be explored.
#pragma once

#include <cstdint>

#include "hv/base/host.hpp"

namespace hv {

class Lock {
 public:
  void lock() {
    point(ASSAY_POINT_LOCK_WANTED);
    while (held_) point(ASSAY_POINT_LOCK_WANTED);
    held_ = true;
    point(ASSAY_POINT_LOCK_TAKEN);
  }
  void unlock() {
    HV_ASSERT(held_);
    held_ = false;
    point(ASSAY_POINT_LOCK_RELEASED);
  }
  [[nodiscard]] bool held() const { return held_; }

 private:
  void point(uint32_t kind) const { host().point(host().ctx, kind, this); }
  bool held_ = false;
};

class [[nodiscard]] LockGuard {
 public:
  explicit LockGuard(Lock& lock) : lock_(lock) { lock_.lock(); }
  ~LockGuard() { lock_.unlock(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  Lock& lock_;
};

}  // namespace hv
