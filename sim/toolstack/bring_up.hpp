/// Starting further vCPUs from within a guest.
#pragma once

#include "sim/target/target.hpp"

namespace assay::toolstack {

/// VCPUOP_initialise and VCPUOP_up by the guest's vCPU 0. Throws ToolstackError; the vCPU is then not running.
void bring_up_vcpu(Domain& guest, uint32_t vcpu_id);

}  // namespace assay::toolstack
