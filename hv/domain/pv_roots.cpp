#include "hv/domain/pv_roots.hpp"

#include "hv/mm/page_refs.hpp"

namespace hv {

namespace {

Mfn root_frame(uint64_t cr3) {
  return Mfn{cr3 >> kPageShift};
}

void drop_gdt(PvState& pv, uint64_t frames) {
  for (uint64_t i = 0; i < frames; ++i) {
    put_page_and_type(Mfn{pv.gdt_frames[i]});
    pv.gdt_frames[i] = 0;
  }
  pv.gdt_entries = 0;
}

Status take_gdt(Vcpu& vcpu, const vcpu_guest_context_t& context) {
  PvState& pv = *vcpu.pv;
  const uint64_t frames = gdt_frame_count(context.gdt_ents);
  if (frames > std::size(pv.gdt_frames)) return fail(XEN_EINVAL);
  for (uint64_t i = 0; i < frames; ++i) {
    const Mfn mfn{context.gdt_frames[i]};
    if (const Status status = get_page_and_type(mfn, *vcpu.memory, PageType::kSegDesc); !status.ok()) {
      drop_gdt(pv, i);
      return fail(XEN_EINVAL);
    }
    pv.gdt_frames[i] = mfn.raw();
  }
  pv.gdt_entries = static_cast<uint32_t>(context.gdt_ents);
  return kOk;
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

Status take_pv_tables(Vcpu& vcpu, const vcpu_guest_context_t& context) {
  HV_ASSERT(!vcpu.initialised);
  // A reset vCPU kept nothing: whatever mode the registers still say, there is no root behind it.
  vcpu.regs.cpl = 0;
  if (const Status status = take_gdt(vcpu, context); !status.ok()) return status;
  if (const Status status = take_roots(vcpu, context.ctrlreg[3], context.ctrlreg[1]); !status.ok()) {
    drop_gdt(*vcpu.pv, gdt_frame_count(vcpu.pv->gdt_entries));
    return status;
  }
  vcpu.pv->ldt_base = context.ldt_base;
  vcpu.pv->ldt_entries = static_cast<uint16_t>(context.ldt_ents);
  return kOk;
}

void drop_pv_tables(Vcpu& vcpu) {
  PvState& pv = *vcpu.pv;
  drop_gdt(pv, gdt_frame_count(pv.gdt_entries));
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
