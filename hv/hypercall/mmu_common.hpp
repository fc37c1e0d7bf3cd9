/// What mmu_update, mmuext_op and update_va_mapping share: whose frames a call speaks of, batches, and flushes.
#pragma once

#include "hv/base/error.hpp"
#include "hv/hypercall/call.hpp"

namespace hv {

/// The memory that `domid` names: DOMID_SELF, another domain, DOMID_IO or DOMID_XEN.
/// ESRCH: no such domain, or the caller's own number, for which there is DOMID_SELF.
Result<DomainMemory*> page_owner(Domain& caller, uint16_t domid);
/// True when the caller may work on page tables or frames of that owner.
[[nodiscard]] bool may_use_frames_of(const Domain& caller, const DomainMemory& owner);

/// A list of requests that is worked off one by one: argument 0 is the list, 1 the count, 2 where to tell how many were
/// done (or null), 3 the foreign domain. A preempted call comes back with the rest of the list.
class RequestBatch {
 public:
  RequestBatch(Call& call, uint64_t request_bytes);

  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] bool list_ok() const { return guest_range_ok(call_.space(), list_, count_, request_bytes_); }

  /// Runs `one(address)` for each request until one fails. Returns the result of the hypercall.
  template <typename One>
  int64_t run(One one) {
    Status status = kOk;
    uint32_t index = 0;
    for (; index < count_; ++index) {
      if (index != 0 && call_.preempt_needed()) return preempted(index);
      status = one(list_ + index * request_bytes_);
      if (!status.ok()) break;
    }
    report(index);
    return status.raw();
  }

  /// Tells the guest that `done` requests of this list were done.
  void report(uint32_t done);

 private:
  int64_t preempted(uint32_t done);

  Call& call_;
  uint64_t request_bytes_;
  Gva list_;
  uint32_t count_;
  Gva done_address_;
  uint32_t done_before_ = 0;
};

/// Makes every vCPU of the caller's domain forget its translations.
void flush_all(Call& call);
/// As above for the calling vCPU alone.
void flush_local(Call& call);
/// For the vCPUs in the guest's bitmap at `bitmap`. EFAULT: unreadable.
Status flush_listed(Call& call, Gva bitmap);

}  // namespace hv
