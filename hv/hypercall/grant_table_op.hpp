/// GNTTABOP_*: one function per operation. Operations on arrays run element by element: each element is read, done and
/// its status written back, and the hypercall itself fails only when the array cannot be read or written.
#pragma once

#include "hv/grant/grant_table.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/hypercall/scratch.hpp"

namespace hv {

struct GrantCall {
  Call& call;
  uint32_t command;
  Gva list;
  uint32_t count;

  [[nodiscard]] Domain& caller() const { return call.domain(); }
  [[nodiscard]] GrantTable& table() const { return *call.domain().grants; }
  [[nodiscard]] Mapper mapper() const { return {table(), call.space()}; }

  template <typename T>
  [[nodiscard]] bool list_ok() const {
    return guest_range_ok(call.space(), list, count, sizeof(T));
  }
  template <typename T>
  [[nodiscard]] bool read(T& value, uint32_t index = 0) const {
    return read_guest(call.space(), value, list + index * sizeof(T));
  }
  template <typename T>
  [[nodiscard]] bool write(const T& value, uint32_t index = 0) const {
    return write_guest(call.space(), list + index * sizeof(T), value);
  }
  /// The one field that most operations return.
  template <typename T>
  [[nodiscard]] bool write_status(T& value, GrantStatus status, uint32_t index = 0) const {
    value.status = static_cast<int16_t>(status);
    return write_guest(call.space(), list + (index * sizeof(T) + offsetof(T, status)), value.status);
  }
  /// The same operation again for the elements from `index` on.
  template <typename T>
  int64_t continue_from(uint32_t index) const {
    return call.continue_with({command, (list + index * sizeof(T)).raw(), count - index});
  }

  /// Runs `one(value, index)` for each element; false: it could not be written back.
  template <typename T, typename One>
  int64_t for_each(One one) const {
    for (uint32_t i = 0; i < count; ++i) {
      if (i != 0 && call.preempt_needed()) return continue_from<T>(i);
      T value;
      if (!read(value, i) || !one(value, i)) return -XEN_EFAULT;
    }
    return 0;
  }
};

/// The table of the domain with that number, DOMID_SELF excluded; null: no such domain.
GrantTable* grants_of(DomId id);

int64_t gnttab_map_grant_ref(const GrantCall& op);
int64_t gnttab_unmap_grant_ref(const GrantCall& op);
int64_t gnttab_unmap_and_replace(const GrantCall& op);

int64_t gnttab_setup_table(const GrantCall& op);
int64_t gnttab_query_size(const GrantCall& op);
int64_t gnttab_get_status_frames(const GrantCall& op);
int64_t gnttab_set_version(const GrantCall& op);
int64_t gnttab_get_version(const GrantCall& op);

int64_t gnttab_transfer(const GrantCall& op);
int64_t gnttab_copy(const GrantCall& op);
int64_t gnttab_swap_grant_ref(const GrantCall& op);
/// `position`: references that a preempted search of the first element has looked at.
int64_t gnttab_cache_flush(const GrantCall& op, uint32_t position);

}  // namespace hv
