#include <fmt/format.h>

#include <map>

#include "conformance/runner/requirements.hpp"
#include "conformance/runner/variants.hpp"
#include "sim/base/paths.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/targets.hpp"

namespace assay {

ExitCode list_cases(const std::vector<std::string>& select) {
  const std::vector<Variant> selected = select_variants(all_variants(), select);
  for (const Variant& variant : selected) fmt::print("{}  {}\n", variant.id, variant.registered.spec.rule);
  fmt::print(stderr, "{} cases\n", selected.size());
  return kExitExpected;
}

ExitCode list_requirements(bool uncovered_only) {
  std::map<std::string_view, size_t> cases;
  for (const RegisteredCase& registered : registered_cases()) {
    for (const std::string_view id : registered.spec.requirements) ++cases[id];
  }
  size_t covered = 0;
  for (const Requirement& requirement : requirements()) {
    const size_t count = cases[requirement.id];
    covered += count != 0 ? size_t{1} : size_t{0};
    if (uncovered_only && count != 0) continue;
    fmt::print("{}  {} {} cases  {}\n", requirement.id, requirement.level, count, requirement.text);
  }
  fmt::print(stderr, "{} requirements, {} with cases\n", requirements().size(), covered);
  return kExitExpected;
}

ExitCode list_targets() {
  fmt::print("hv       the bundled core, in process: {}\n", artifact("hv.so").string());
  fmt::print("xen      the real Xen under QEMU: {}\n", xen_binary().string());
  fmt::print("FILE.so  any core built against sim/port/port.h\n");
  return kExitExpected;
}

}  // namespace assay
