/// A page of the guest under test that nothing maps any more, ready to be given back to the hypervisor.
#pragma once

#include "conformance/case.hpp"
#include "conformance/guest/pv_mapping.hpp"

namespace assay {

struct SparePage {
  Pfn pfn;
  Gfn gfn;  ///< what memory_op's frame lists name: the machine frame for PV64, the pfn for PVH
  Gva va;
};

/// Takes a page of the heap; a PV64 guest also removes its mapping, which would keep a reference.
inline SparePage spare_page(CaseContext& c) {
  const Gva va = c.guest().alloc_pages(1);
  const SparePage page{c.guest().pfn_of(va), c.guest().gfn_of(va), va};
  if (c.pv()) {
    c.require_eq(update_mapping(c.vcpu(), va, 0), 0, "unmapping a page of the heap");
  }
  return page;
}

}  // namespace assay
