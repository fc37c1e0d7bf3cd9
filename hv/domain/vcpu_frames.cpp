/// What a vCPU holds of its domain's memory, and how it lets go.
#include "hv/domain/context.hpp"
#include "hv/domain/pv_roots.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

void drop_vcpu_frames(Vcpu& vcpu) {
  if (vcpu.pv != nullptr) drop_pv_tables(vcpu);
  if (vcpu.info_frame != kInvalidMfn) {
    put_page_and_type(vcpu.info_frame);
    vcpu.info_frame = kInvalidMfn;
    vcpu.info = nullptr;
  }
  vcpu.initialised = false;
}

void reset_vcpu(Vcpu& vcpu) {
  vcpu_pause(vcpu, kPauseDown);
  vcpu_unblock(vcpu);
  if (vcpu.pv != nullptr) drop_pv_tables(vcpu);
  vcpu.initialised = false;
}

}  // namespace hv
