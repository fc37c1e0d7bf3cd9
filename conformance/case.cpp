#include "conformance/case.hpp"

#include <algorithm>

namespace assay {
namespace {

// Made on first use: cases register before main, from many files, in an order that the linker chose.
std::vector<RegisteredCase>& registry() {
  static std::vector<RegisteredCase> cases;
  return cases;
}

}  // namespace

Case::Case(const CaseSpec& spec, std::source_location where) {
  registry().push_back({spec, where.file_name(), where.line()});
}

std::vector<RegisteredCase> registered_cases() {
  std::vector<RegisteredCase> sorted = registry();
  std::sort(sorted.begin(), sorted.end(),
            [](const RegisteredCase& a, const RegisteredCase& b) { return a.spec.slug < b.spec.slug; });
  return sorted;
}

}  // namespace assay
