/// mmu_update, mmuext_op and update_va_mapping as one vCPU issues them. Every function is one hypercall; nothing is
/// checked here.
#pragma once

#include <initializer_list>
#include <vector>

#include "conformance/guest/ids.hpp"
#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

/// `done`: what the hypervisor wrote to the caller's counter; kUntouched32 when it wrote nothing.
struct ListResult {
  int64_t result;
  uint32_t done;
};

/// A list of MMU_* or MMUEXT_* to go through: the headers have them as plain integers.
using Commands = std::initializer_list<unsigned>;

class MmuOps {
 public:
  static constexpr uint64_t kUpdatesMax = 3 * kPageSize / sizeof(mmu_update_t);
  static constexpr uint64_t kExtsMax = 3 * kPageSize / sizeof(mmuext_op_t);

  explicit MmuOps(Vcpu& vcpu) : memory_(vcpu, 4) {}

  /// The request that puts `value` into entry `index` of the frame.
  static mmu_update_t request(Gfn table, unsigned index, uint64_t value, unsigned command = MMU_NORMAL_PT_UPDATE);
  /// `foreign` is the last argument as the ABI has it: owner of the frames below, owner of the tables above.
  ListResult update(const std::vector<mmu_update_t>& list, uint32_t foreign = DOMID_SELF);
  int64_t set_entry(Gfn table, unsigned index, uint64_t value, unsigned command = MMU_NORMAL_PT_UPDATE,
                    uint32_t foreign = DOMID_SELF) {
    return update({request(table, index, value, command)}, foreign).result;
  }
  /// MMU_MACHPHYS_UPDATE of one frame.
  int64_t set_m2p(Gfn frame, uint64_t pfn, uint32_t foreign = DOMID_SELF) {
    return set_entry(frame, 0, pfn, MMU_MACHPHYS_UPDATE, foreign);
  }

  static mmuext_op_t ext_request(unsigned command, uint64_t arg1 = 0, uint64_t arg2 = 0);
  ListResult ext(const std::vector<mmuext_op_t>& list, DomId owner = kDomSelf);
  int64_t ext(unsigned command, uint64_t arg1 = 0, uint64_t arg2 = 0, DomId owner = kDomSelf) {
    return ext({ext_request(command, arg1, arg2)}, owner).result;
  }
  /// `level`: 1..4.
  int64_t pin(unsigned level, Gfn table, DomId owner = kDomSelf) {
    return ext(MMUEXT_PIN_L1_TABLE + level - 1, table.raw(), 0, owner);
  }
  int64_t unpin(Gfn table, DomId owner = kDomSelf) { return ext(MMUEXT_UNPIN_TABLE, table.raw(), 0, owner); }

  int64_t update_va(Gva va, uint64_t entry, uint64_t flags = UVMF_NONE);
  int64_t update_va_other(Gva va, uint64_t entry, uint64_t flags, DomId owner);

  /// Room that the calls above do not use, for a vCPU bitmap or a counter.
  [[nodiscard]] Gva spare() const { return memory_.va(kPageSize / 2); }

 private:
  ListResult run(uint32_t number, uint64_t count, uint32_t foreign);
  Scratch memory_;
};

}  // namespace assay
