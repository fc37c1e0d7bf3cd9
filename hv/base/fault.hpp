/// Planted faults: bugs that the build hv-faults.so has, each switched on by its name, to prove that the harness finds
/// them. fuzz/faults/faults.yaml says what each of them is; fuzz/faults/README.md what they are for.
///
/// A fault is one place: `if (fault("evtchn.close_keeps_pending")) ...`. In the ordinary build it is `if (false)`.
#pragma once

#ifdef ASSAY_FAULTS

#include <cstdint>
#include <iterator>
#include <string_view>

namespace hv {

namespace detail {

/// The names of the catalogue, one a line: made from it by the build.
constexpr std::string_view kFaultNames[] = {
#include "hv/base/fault_names.inc"
};

/// Not constant, so that a name which is not in the catalogue does not compile.
void fault_is_not_in_the_catalogue();

consteval uint32_t fault_index(std::string_view name) {
  for (uint32_t i = 0; i < std::size(kFaultNames); ++i) {
    if (kFaultNames[i] == name) return i;
  }
  fault_is_not_in_the_catalogue();
  return 0;
}

}  // namespace detail

/// The name of a fault, known to be one.
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

/// Switches on what `fault=NAME` in the hypervisor's command line asks for; without it, none. False: no such fault,
/// which a line on the console says.
[[nodiscard]] bool plant_fault(const char* command_line);

}  // namespace hv

#else

namespace hv {

consteval bool fault(const char* /*name*/) {
  return false;
}

inline bool plant_fault(const char* /*command_line*/) {
  return true;
}

}  // namespace hv

#endif
