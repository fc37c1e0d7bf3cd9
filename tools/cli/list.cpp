#include <fmt/format.h>

#include "conformance/runner/profiles.hpp"
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

ExitCode list_profiles() {
  for (const Profile& profile : load_profiles(embedded_profile_files(), all_variants())) {
    fmt::print("{:12} {:5} cases  {}", profile.id, profile.cases.size(), profile.title);
    if (!profile.includes.empty()) fmt::print("; includes {}", fmt::join(profile.includes, ", "));
    fmt::print("\n");
  }
  return kExitExpected;
}

ExitCode list_targets() {
  fmt::print("hv       the bundled core, in process: {}\n", artifact("hv.so").string());
  fmt::print("xen      the real Xen under QEMU: {}\n", xen_binary().string());
  fmt::print(
      "connect:ADDRESS  a running hypervisor, over its console: HOST:PORT, or the path of a socket or terminal\n");
  fmt::print("FILE.so  any core built against sim/port/port.h\n");
  return kExitExpected;
}

}  // namespace assay
