#include "hv/base/fault.hpp"

#ifdef ASSAY_FAULTS

#include "hv/base/host.hpp"

namespace hv {

namespace {

constexpr uint32_t kNone = ~uint32_t{0};
constexpr std::string_view kOption = "fault=";

/// In the data segment: which the host saves and restores with the arena.
uint32_t planted = kNone;

/// What the last `fault=` of a command line names; empty when there is none.
std::string_view wanted_fault(std::string_view line) {
  std::string_view wanted;
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size() == line.size() ? word.size() : word.size() + 1);
    if (word.starts_with(kOption)) wanted = word.substr(kOption.size());
  }
  return wanted;
}

}  // namespace

bool fault(FaultName name) {
  return planted == name.index();
}

bool plant_fault(const char* command_line) {
  planted = kNone;
  const std::string_view wanted = wanted_fault(command_line);
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
