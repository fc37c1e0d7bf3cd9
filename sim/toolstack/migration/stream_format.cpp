#include "sim/toolstack/migration/stream_format.hpp"

#include <array>
#include <cinttypes>
#include <cstdio>

namespace assay::migration {

std::string name_of(uint32_t record_type) {
  static constexpr std::array<const char*, kRecordTypes> kNames{"END",
                                                                "PAGE_DATA",
                                                                "X86_PV_INFO",
                                                                "X86_PV_P2M_FRAMES",
                                                                "X86_PV_VCPU_BASIC",
                                                                "X86_PV_VCPU_EXTENDED",
                                                                "X86_PV_VCPU_XSAVE",
                                                                "SHARED_INFO",
                                                                "X86_TSC_INFO",
                                                                "HVM_CONTEXT",
                                                                "HVM_PARAMS",
                                                                "TOOLSTACK",
                                                                "X86_PV_VCPU_MSRS",
                                                                "VERIFY",
                                                                "CHECKPOINT",
                                                                "CHECKPOINT_DIRTY_PFN_LIST",
                                                                "STATIC_DATA_END",
                                                                "X86_CPUID_POLICY",
                                                                "X86_MSR_POLICY"};
  if (record_type < kNames.size()) return kNames[record_type];
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%" PRIx32, record_type);
  return text.data();
}

}  // namespace assay::migration
