#include "sim/toolstack/migration/fault.hpp"

#ifdef ASSAY_MIGRATION_FAULTS

namespace assay::migration {

namespace {

constexpr uint32_t kNone = ~uint32_t{0};
uint32_t planted = kNone;

}  // namespace

bool fault(FaultName name) {
  return name.index() == planted;
}

bool plant_fault(std::string_view name) {
  planted = kNone;
  for (uint32_t i = 0; i < detail::kFaultNames.size(); ++i) {
    if (detail::kFaultNames[i] == name) planted = i;
  }
  return name.empty() || planted != kNone;
}

}  // namespace assay::migration

#endif
