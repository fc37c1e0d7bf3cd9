/// What a vCPU of the agent found at its first instruction.
#pragma once

#include "sim/target/target.hpp"

namespace assay {

inline assay_boot_record boot_record(Vcpu& through, uint32_t vcpu) {
  const assay_agent_layout& layout = through.domain().space().layout;
  return through.read<assay_boot_record>(Gva{layout.boot_records + vcpu * layout.boot_record_stride});
}

}  // namespace assay
