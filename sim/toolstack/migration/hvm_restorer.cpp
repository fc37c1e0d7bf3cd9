#include "sim/toolstack/migration/hvm_restorer.hpp"

#include "sim/abi/xen.hpp"
#include "sim/toolstack/migration/stream_error.hpp"
#include "sim/toolstack/paging_pool.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {

HvmRestorer::HvmRestorer(const Tools& tools, DomId domain, const GuestSpec& spec, const RestoreLimits& limits)
    : tools_(tools), domain_(domain), pages_(tools, domain, spec.pages) {
  tools_.control.set_paging_pool(domain, limits.pool_bytes.value_or(toolstack::paging_pool_bytes(spec)));
}

void HvmRestorer::take(const HvmParams& record) {
  for (const HvmParam& param : record.params) {
    if (param.index >= HVM_NR_PARAMS) {
      throw RecordFault{"parameter " + std::to_string(param.index), "less than " + std::to_string(HVM_NR_PARAMS)};
    }
    if (param.index == HVM_PARAM_STORE_PFN) store_gfn_ = param.value;
    if (param.index == HVM_PARAM_CONSOLE_PFN) console_gfn_ = param.value;
    tools_.control.set_hvm_param(domain_, static_cast<uint32_t>(param.index), param.value);
  }
}

void HvmRestorer::take_context(const Bytes& context) {
  if (context.size() > toolstack::Privileged::kBufferBytes) {
    throw RecordFault{"a context of " + std::to_string(context.size()) + " bytes",
                      "at most " + std::to_string(toolstack::Privileged::kBufferBytes)};
  }
  context_ = context;
}

std::optional<RestoredRing> HvmRestorer::make_ring(uint64_t gfn, uint32_t port_param) const {
  if (gfn == 0) return std::nullopt;
  if (!pages_.frame_of(gfn)) {
    throw ToolstackError("the page of a ring is gfn " + std::to_string(gfn) + ", which has no memory in the stream");
  }
  const RestoredRing ring{gfn, tools_.control.alloc_unbound_port(domain_)};
  tools_.control.set_hvm_param(domain_, port_param, ring.port);
  return ring;
}

void HvmRestorer::finish() {
  tools_.window.unmap();
  store_ = make_ring(store_gfn_, HVM_PARAM_STORE_EVTCHN);
  console_ = make_ring(console_gfn_, HVM_PARAM_CONSOLE_EVTCHN);
  tools_.control.set_hvm_context(domain_, context_);
}

}  // namespace assay::migration
