#include "fuzz/targets/fuzz_target.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace assay::fuzz {
namespace {

std::vector<FuzzSpec>& registered() {
  static std::vector<FuzzSpec> targets;
  return targets;
}

}  // namespace

FuzzTarget::FuzzTarget(const FuzzSpec& spec) {
  std::vector<FuzzSpec>& all = registered();
  all.insert(std::ranges::upper_bound(all, spec.name, {}, &FuzzSpec::name), spec);
}

std::span<const FuzzSpec> fuzz_targets() {
  return registered();
}

const FuzzSpec* find_fuzz_target(std::string_view name) {
  const auto found = std::ranges::find(registered(), name, &FuzzSpec::name);
  return found == registered().end() ? nullptr : &*found;
}

void must(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace assay::fuzz
