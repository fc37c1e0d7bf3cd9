/// The frame numbers in a PV64 vCPU's context, from machine frames to pfns and back.
#pragma once

#include <string>

#include "sim/abi/xen.hpp"
#include "sim/toolstack/migration/page_tables.hpp"

namespace assay::migration {

/// Translates the roots, the frames of the GDT, and, of vCPU 0 of a suspended domain, the frame of start_info in rdx
/// (public/sched.h, SHUTDOWN_suspend). Returns the name of the first field that cannot be; empty: all done.
std::string translate_context(vcpu_guest_context& context, uint32_t vcpu, const TranslateFrame& to);

/// Frames that hold the descriptors of a table.
constexpr uint64_t gdt_frames(uint64_t entries) {
  constexpr uint64_t kDescriptorsPerFrame = 512;
  return (entries + kDescriptorsPerFrame - 1) / kDescriptorsPerFrame;
}

}  // namespace assay::migration
