/// Sub-operations of memory_op. `start` is the number of extents done before, as a continued call carries it in the
/// high bits of the command.
#pragma once

#include "hv/base/fault.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/hypercall/scratch.hpp"

namespace hv {

struct MemoryCall {
  Call& call;
  uint32_t op;
  uint64_t start;
  Gva argument;

  [[nodiscard]] Domain& caller() const { return call.domain(); }
  template <typename T>
  [[nodiscard]] bool read(T& value) const {
    return read_guest(call.space(), value, argument);
  }
  template <typename T>
  [[nodiscard]] bool write(const T& value) const {
    return write_guest(call.space(), argument, value);
  }
  /// Asks for the same operation again, with `done` extents behind it.
  int64_t continue_from(uint64_t done) const;
};

constexpr unsigned kMemoryOpStartShift = 6;
constexpr uint64_t kMemoryOpMask = (1u << kMemoryOpStartShift) - 1;
/// More extents than this could not be continued.
constexpr uint64_t kMemoryOpExtentsMax = 0xffff'ffffu >> kMemoryOpStartShift;
/// Greatest extent order of a caller: 2 MiB for guests, 1 GiB for a control domain.
constexpr unsigned kOrderMaxGuest = 9;
constexpr unsigned kOrderMaxControlDomain = 18;
inline unsigned order_max(const Domain& caller) {
  return caller.privileged || fault("memory.guest_order_unlimited") ? kOrderMaxControlDomain : kOrderMaxGuest;
}

int64_t xenmem_reservation(const MemoryCall& op);  ///< increase, decrease, populate
int64_t xenmem_exchange(const MemoryCall& op);
int64_t xenmem_claim_pages(const MemoryCall& op);

int64_t xenmem_maximum_ram_page(const MemoryCall& op);
int64_t xenmem_domain_query(const MemoryCall& op);  ///< current_reservation, maximum_reservation, maximum_gpfn
int64_t xenmem_pod_target(const MemoryCall& op);    ///< set, get
int64_t xenmem_access_op(const MemoryCall& op);
int64_t xenmem_get_vnumainfo(const MemoryCall& op);
int64_t xenmem_reserved_device_memory_map(const MemoryCall& op);

int64_t xenmem_memory_map(const MemoryCall& op);
int64_t xenmem_set_memory_map(const MemoryCall& op);
int64_t xenmem_machine_memory_map(const MemoryCall& op);
int64_t xenmem_machphys_mapping(const MemoryCall& op);
int64_t xenmem_machphys_mfn_list(const MemoryCall& op);

int64_t xenmem_add_to_physmap(const MemoryCall& op);
int64_t xenmem_add_to_physmap_batch(const MemoryCall& op);
int64_t xenmem_remove_from_physmap(const MemoryCall& op);

int64_t xenmem_acquire_resource(const MemoryCall& op);

}  // namespace hv
