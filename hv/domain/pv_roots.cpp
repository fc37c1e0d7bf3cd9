#include "hv/domain/pv_roots.hpp"

#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

namespace {

Mfn root_frame(uint64_t cr3) {
  return Mfn{cr3 >> kPageShift};
}

void drop_gdt(PvState& pv) {
  const uint64_t frames = gdt_frame_count(pv.gdt_entries);
  for (uint64_t i = 0; i < frames; ++i) {
    put_page_and_type(Mfn{pv.gdt_frames[i]});
    pv.gdt_frames[i] = 0;
  }
  pv.gdt_entries = 0;
}

/// All or none.
Status get_descriptor_frames(const DomainMemory& memory, const uint64_t* frames, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    if (get_page_and_type(Mfn{frames[i]}, memory, PageType::kSegDesc).ok()) continue;
    while (i-- > 0 && !fault("pv.refused_gdt_leaks_frames")) put_page_and_type(Mfn{frames[i]});
    return fail(XEN_EINVAL);
  }
  return kOk;
}

Status take_gdt(Vcpu& vcpu, const vcpu_guest_context_t& context) {
  if (gdt_frame_count(context.gdt_ents) > std::size(vcpu.pv->gdt_frames)) return fail(XEN_EINVAL);
  return replace_pv_gdt(vcpu, context.gdt_frames, static_cast<uint32_t>(context.gdt_ents));
}

Status take_roots(Vcpu& vcpu, uint64_t kernel, uint64_t user) {
  if (const Status status = get_page_and_type(root_frame(kernel), *vcpu.memory, PageType::kL4); !status.ok()) {
    return status;
  }
  if (user != 0) {
    if (const Status status = get_page_and_type(root_frame(user), *vcpu.memory, PageType::kL4); !status.ok()) {
      put_page_and_type(root_frame(kernel));
      return status;
    }
  }
  vcpu.pv->user_cr3 = user & ~(kPageSize - 1);
  set_pv_kernel_root(vcpu, kernel & ~(kPageSize - 1));
  return kOk;
}

}  // namespace

Status replace_pv_gdt(Vcpu& vcpu, const uint64_t* frames, uint32_t entries) {
  PvState& pv = *vcpu.pv;
  if (entries > FIRST_RESERVED_GDT_ENTRY) return fail(XEN_EINVAL);
  const uint64_t count = gdt_frame_count(entries);
  // The new ones first: a frame of both tables stays a descriptor table in between.
  if (const Status status = get_descriptor_frames(*vcpu.memory, frames, count); !status.ok()) return status;
  drop_gdt(pv);
  std::copy_n(frames, count, pv.gdt_frames);
  pv.gdt_entries = entries;
  return kOk;
}

Status take_pv_tables(Vcpu& vcpu, const vcpu_guest_context_t& context) {
  HV_ASSERT(!vcpu.initialised);
  // A reset vCPU kept nothing: whatever mode the registers still say, there is no root behind it.
  vcpu.regs.cpl = 0;
  if (const Status status = take_gdt(vcpu, context); !status.ok()) return status;
  if (const Status status = take_roots(vcpu, context.ctrlreg[3], context.ctrlreg[1]); !status.ok()) {
    if (!fault("pv.refused_root_leaks_gdt")) drop_gdt(*vcpu.pv);
    return status;
  }
  vcpu.pv->ldt_base = context.ldt_base;
  vcpu.pv->ldt_entries = static_cast<uint16_t>(context.ldt_ents);
  return kOk;
}

void drop_pv_tables(Vcpu& vcpu) {
  PvState& pv = *vcpu.pv;
  drop_gdt(pv);
  pv.ldt_base = 0;
  pv.ldt_entries = 0;
  const uint64_t kernel = pv_kernel_root(vcpu);
  if (kernel != 0) put_page_and_type(root_frame(kernel));
  if (pv.user_cr3 != 0) put_page_and_type(root_frame(pv.user_cr3));
  pv.user_cr3 = 0;
  set_pv_kernel_root(vcpu, 0);
  vcpu.regs.cr3 = 0;
}

}  // namespace hv
