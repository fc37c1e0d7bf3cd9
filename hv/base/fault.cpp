#include "hv/base/fault.hpp"

#ifdef ASSAY_FAULTS

#include "hv/base/command_line.hpp"
#include "hv/base/host.hpp"

namespace hv {

namespace {

constexpr uint32_t kNone = ~uint32_t{0};

/// In the data segment: which the host saves and restores with the arena.
uint32_t planted = kNone;

/// Places that have been come by, in a section that the host knows by its name: it reads it, and never puts it back.
[[gnu::used, gnu::section("assay_places")]] uint8_t met[std::size(detail::kFaultNames)] = {};

}  // namespace

bool fault(FaultName name) {
  met[name.index()] = 1;
  return planted == name.index();
}

bool plant_fault(const char* command_line) {
  planted = kNone;
  const std::string_view wanted = command_line_option(command_line, "fault");
  if (wanted.empty()) return true;
  for (uint32_t i = 0; i < std::size(detail::kFaultNames); ++i) {
    if (detail::kFaultNames[i] == wanted) planted = i;
  }
  if (planted != kNone) return true;
  log("fault=%.*s: no such planted fault; fuzz/faults/faults.yaml lists them", static_cast<int>(wanted.size()),
      wanted.data());
  return false;
}

}  // namespace hv

#endif
