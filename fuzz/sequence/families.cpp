#include "fuzz/sequence/families.hpp"

#include <algorithm>
#include <array>

namespace assay::fuzz {

std::span<const Family* const> families() {
  static const std::array all{&domains_family(), &events_family(), &grants_family(),
                              &memory_family(),  &races_family(),  &vcpus_family()};
  return all;
}

const Family* find_family(std::string_view name) {
  const auto all = families();
  const auto found = std::ranges::find_if(all, [&](const Family* family) { return family->name == name; });
  return found == all.end() ? nullptr : *found;
}

}  // namespace assay::fuzz
