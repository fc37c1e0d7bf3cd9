/// The host behind the port, as the rest of the core sees it. One machine at a time; everything lives in its arena.
#pragma once

#include <cstdint>
#include <string_view>

#include "hv/base/types.hpp"
#include "sim/port/port.h"

namespace hv {

namespace detail {
/// In the data segment: which the host saves and restores with the arena.
extern const assay_host* current_host;
}  // namespace detail

/// Set by boot; never null afterwards.
inline const assay_host& host() {
  return *detail::current_host;
}
void set_host(const assay_host* host);

/// The number of a pCPU's core, in the whole machine.
uint32_t core_of(uint32_t pcpu);

/// Never less than it was: a pCPU's clock may lag behind another's, and step back, but what has been accounted up to a
/// moment is not accounted again.
Ns now();
/// Makes that pCPU enter the core soon. A scheduling point.
void signal(uint32_t pcpu);
/// Lets other pCPUs take a step: for loops that wait for one of them. `object` names what is waited for.
void wait_for_others(const void* object);

/// Panics with the text, file and line when `condition` is false: a bug of this core, never a guest's mistake.
#define HV_ASSERT(condition) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::hv::assertion_failed(#condition, __FILE__, __LINE__))

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
[[noreturn]] void panic(std::string_view message);

/// printf to the hypervisor's console, one line, "(XEN) " in front.
[[gnu::format(printf, 1, 2)]] void log(const char* format, ...);

/// The host's memory behind a machine frame. The frame number must be valid.
inline uint8_t* frame_bytes(Mfn mfn) {
  HV_ASSERT(mfn.raw() < host().frames);
  return host().memory + mfn.raw() * kPageSize;
}
template <typename T>
T* frame_as(Mfn mfn) {
  return reinterpret_cast<T*>(frame_bytes(mfn));
}

}  // namespace hv
