#include "sim/toolstack/migration/hvm_restorer.hpp"

#include "sim/abi/xen.hpp"
#include "sim/toolstack/migration/stream_error.hpp"
#include "sim/toolstack/paging_pool.hpp"

namespace assay::migration {

HvmRestorer::HvmRestorer(const Tools& tools, DomId domain, const GuestSpec& spec)
    : tools_(tools), domain_(domain), pages_(tools, domain, spec.pages) {
  tools_.control.set_paging_pool(domain, toolstack::paging_pool_bytes(spec));
}

void HvmRestorer::take(const HvmParams& record) const {
  for (const HvmParam& param : record.params) {
    if (param.index >= HVM_NR_PARAMS) {
      throw RecordFault{"parameter " + std::to_string(param.index), "less than " + std::to_string(HVM_NR_PARAMS)};
    }
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

void HvmRestorer::finish() {
  tools_.window.unmap();
  tools_.control.set_hvm_context(domain_, context_);
}

}  // namespace assay::migration
