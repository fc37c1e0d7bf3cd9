#include "fuzz/sequence/families.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace assay::fuzz {

bool is_comparable(const Family* family) {
  return std::ranges::count(family->spec.needs, Capability::kSteer) == 0;
}

std::span<const Family* const> families() {
  static const std::array all{&domains_family(),      &events_family(),      &grants_family(), &log_dirty_family(),
                              &memory_family(),       &page_tables_family(), &races_family(),  &races_grants_family(),
                              &races_memory_family(), &vcpus_family()};
  return all;
}

std::set<std::string> family_names() {
  std::set<std::string> names;
  for (const Family* const family : families()) names.emplace(family->name);
  return names;
}

const Family* find_family(std::string_view name) {
  const auto all = families();
  const auto found = std::ranges::find_if(all, [&](const Family* family) { return family->name == name; });
  return found == all.end() ? nullptr : *found;
}

}  // namespace assay::fuzz
