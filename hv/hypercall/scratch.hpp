/// Help for handlers with large or many arguments.
#pragma once

#include "hv/base/arena.hpp"
#include "hv/base/types.hpp"

namespace hv {

/// A zeroed object too large for the stack of a pCPU. ENOMEM to the guest when there is none.
template <typename T>
class [[nodiscard]] Scratch {
 public:
  Scratch() : object_(arena_new<T>()) {}
  ~Scratch() { arena_delete(object_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] bool ok() const { return object_ != nullptr; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }

 private:
  T* object_;
};

/// The guest address in a XEN_GUEST_HANDLE.
template <typename Handle>
Gva handle_address(const Handle& handle) {
  return Gva{reinterpret_cast<uint64_t>(handle.p)};
}

}  // namespace hv
