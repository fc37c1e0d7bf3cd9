#include "hv/hypercall/mmu_common.hpp"

#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
#include "hv/mm/frame_table.hpp"

namespace hv {

namespace {
/// In the count of a list: this is the rest of one that was begun before.
constexpr uint32_t kUpdatePreempted = 1u << 31;
}  // namespace

Result<DomainMemory*> page_owner(Domain& caller, uint16_t domid) {
  if (domid == DOMID_SELF) return &caller.memory;
  if (domid == caller.id.raw()) return fail(XEN_ESRCH);
  if (domid == DOMID_IO) return &io_memory();
  if (domid == DOMID_XEN) return &core_memory();
  Domain* domain = domain_by_id(DomId{domid});
  if (domain == nullptr) return fail(XEN_ESRCH);
  return &domain->memory;
}

bool may_use_frames_of(const Domain& caller, const DomainMemory& owner) {
  if (&owner == &caller.memory || &owner == &io_memory()) return true;
  return is_control(caller) || caller.target_of == owner.id || fault("mmu.frames_of_anybody");
}

RequestBatch::RequestBatch(Call& call, uint64_t request_bytes)
    : call_(call),
      request_bytes_(request_bytes),
      list_(call.pointer(0)),
      count_(static_cast<uint32_t>(call.arg[1])),
      done_address_(call.pointer(2)) {
  if ((count_ & kUpdatePreempted) == 0) return;
  count_ &= ~kUpdatePreempted;
  // An unreadable count of what was done before leaves it at zero: only the guest's own report suffers.
  if (done_address_ != Gva{} && !read_guest(call_.space(), done_before_, done_address_)) done_before_ = 0;
}

void RequestBatch::report(uint32_t done) {
  if (done_address_ == Gva{}) return;
  const uint32_t total = (fault("mmu.done_count_forgets_earlier") ? 0 : done_before_) + done;
  // The requests were carried out whether or not the guest can be told.
  static_cast<void>(write_guest(call_.space(), done_address_, total));
}

int64_t RequestBatch::preempted(uint32_t done) {
  report(done);
  const uint32_t rest = (count_ - done) | kUpdatePreempted;
  return call_.continue_with({(list_ + done * request_bytes_).raw(), rest, call_.arg[2], call_.arg[3]});
}

void flush_all(Call& call) {
  flush_translations(call.domain().memory);
}

void flush_local(Call& call) {
  vcpu_flush(call.vcpu);
}

Status flush_listed(Call& call, Gva bitmap) {
  constexpr uint32_t kBits = 64;
  Domain& domain = call.domain();
  for (uint32_t base = 0; base < domain.max_vcpus; base += kBits) {
    uint64_t word = 0;
    if (!read_guest(call.space(), word, bitmap + base / 8)) return fail(XEN_EFAULT);
    const uint32_t end = domain.max_vcpus - (fault("mmu.flush_skips_vcpus") ? 1 : 0);
    for (uint32_t bit = 0; bit < kBits && base + bit < end; ++bit) {
      Vcpu* vcpu = domain.vcpus[base + bit];
      if ((word >> bit & 1) != 0 && vcpu != nullptr) vcpu_flush(*vcpu);
    }
  }
  return kOk;
}

}  // namespace hv
