/// Planted faults of the migration code, as hv/base/fault.hpp has them of the core: to prove that the oracles of moves
/// find them. In ordinary builds `fault("...")` is false when it is compiled; with ASSAY_MIGRATION_FAULTS one of them
/// can be switched on.
#pragma once

#ifdef ASSAY_MIGRATION_FAULTS

#include <array>
#include <cstdint>
#include <string_view>

namespace assay::migration {

namespace detail {

#define FAULT(name, models, what) std::string_view(name),
constexpr auto kFaultNames = std::to_array<std::string_view>({
#include "sim/toolstack/migration/faults.def"
});
#undef FAULT

/// Not constant, so that a name which is not in the catalogue does not compile.
void fault_is_not_in_the_catalogue();

consteval uint32_t fault_index(std::string_view name) {
  for (uint32_t i = 0; i < kFaultNames.size(); ++i) {
    if (kFaultNames[i] == name) return i;
  }
  fault_is_not_in_the_catalogue();
  return 0;
}

}  // namespace detail

class FaultName {
 public:
  // Implicit: it stands where a text is given.
  consteval FaultName(const char* name) : index_(detail::fault_index(name)) {}  // NOLINT(google-explicit-constructor)
  [[nodiscard]] constexpr uint32_t index() const { return index_; }

 private:
  uint32_t index_;
};

/// The fault is switched on.
[[nodiscard]] bool fault(FaultName name);
/// From now on this one is; empty: none. False: there is no such fault.
[[nodiscard]] bool plant_fault(std::string_view name);

}  // namespace assay::migration

#else

namespace assay::migration {

consteval bool fault(const char* /*name*/) {
  return false;
}

}  // namespace assay::migration

#endif
