// Compiles only when every row of hypercalls.def agrees with the public headers: numbers, names, argument structures.
#include "sim/abi/xen.hpp"

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#endif
extern "C" {
#include <xen/arch-x86/xen-mca.h>
#include <xen/argo.h>
#include <xen/hvm/dm_op.h>
#include <xen/hypfs.h>
#include <xen/kexec.h>
#include <xen/nmi.h>
#include <xen/platform.h>
#include <xen/pmu.h>
#include <xen/xenoprof.h>
#include <xen/xsm/flask_op.h>
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace assay {

namespace {

enum class Guests { pv, hvm, pv_hvm, none };
enum class Callers { any, control, device_model, xsm, primary_profiler, obsolete };
enum class Continuable { yes, no };
enum class CopyBack { none, success, always };
enum class State { full, partial, absent };

template <typename T>
constexpr size_t kSizeOf = sizeof(T);
template <>
constexpr size_t kSizeOf<void> = 0;

/// True when every word of a row's columns is one that the columns know (others do not compile).
template <auto... columns>
constexpr bool kKnown = sizeof...(columns) > 0;

#define ASSAY_HYPERCALL(number, name, guests, callers, continuable, state) \
  static_assert(__HYPERVISOR_##name == (number));                          \
  static_assert(kKnown<Guests::guests, Callers::callers, Continuable::continuable, State::state>);
#define ASSAY_SUBOP(hypercall, number, name, argument, callers, copy_back, state) \
  static_assert(static_cast<int>(name) == (number));                              \
  static_assert(kSizeOf<argument> <= 8192);                                       \
  static_assert(kKnown<Callers::callers, CopyBack::copy_back, State::state>);
#define ASSAY_SUBOP_UNNAMED(hypercall, number, name, argument, callers, copy_back, state) \
  static_assert(kSizeOf<argument> <= 8192);                                               \
  static_assert(kKnown<Callers::callers, CopyBack::copy_back, State::state>);
#include "sim/abi/hypercalls.def"

}  // namespace

}  // namespace assay
