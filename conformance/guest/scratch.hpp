/// Guest memory for the arguments of hypercalls: put a structure there, call, read it back.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "sim/target/target.hpp"

namespace assay {

/// What OUT fields hold before a call: still there afterwards when the hypervisor did not copy back.
constexpr uint8_t kUntouchedByte = 0xa5;
constexpr uint32_t kUntouched32 = 0xa5a5a5a5;
constexpr uint64_t kUntouched64 = 0xa5a5a5a5a5a5a5a5;

/// A few zeroed pages of the guest's heap. Not given back: a guest lives as long as its case.
class Scratch {
 public:
  explicit Scratch(Vcpu& vcpu, uint64_t pages = 1) : vcpu_(&vcpu), va_(vcpu.domain().alloc_pages(pages)) {}

  [[nodiscard]] Vcpu& vcpu() const { return *vcpu_; }
  [[nodiscard]] Gva va(uint64_t offset = 0) const { return va_ + offset; }
  template <typename T>
  Gva put(const T& value, uint64_t offset = 0) {
    vcpu_->write(va(offset), value);
    return va(offset);
  }
  template <typename T>
  [[nodiscard]] T get(uint64_t offset = 0) const {
    return vcpu_->read<T>(va(offset));
  }

 private:
  Vcpu* vcpu_;
  Gva va_;
};

/// One structure in guest memory, page-aligned.
template <typename T>
class GuestStruct {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit GuestStruct(Vcpu& vcpu, const T& value = T{}) : memory_(vcpu, (sizeof(T) + kPageSize - 1) / kPageSize) {
    put(value);
  }
  [[nodiscard]] Gva va() const { return memory_.va(); }
  void put(const T& value) { memory_.put(value); }
  [[nodiscard]] T get() const { return memory_.template get<T>(); }

 private:
  Scratch memory_;
};

/// The result register and the argument structure as the call left it.
template <typename T>
struct Called {
  int64_t result;
  T arg;
};

/// `number`(`command`, &argument): the shape of most hypercalls.
template <typename T>
Called<T> call_with(Scratch& memory, uint32_t number, uint64_t command, const T& argument) {
  const Gva at = memory.put(argument);
  const int64_t result = memory.vcpu().hypercall(number, {command, at.raw()});
  return {result, memory.get<T>()};
}

/// Points a guest handle of the ABI at guest memory.
template <typename Handle>
void set_handle(Handle& handle, Gva va) {
  handle.p = reinterpret_cast<decltype(handle.p)>(va.raw());  // NOLINT(performance-no-int-to-ptr): the ABI's own shape
}

}  // namespace assay
