/// Which runs the registered cases stand for, in canonical order: by slug, PV64 before PVH.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conformance/case.hpp"

namespace assay {

/// One run of one case.
struct Variant {
  RegisteredCase registered;
  GuestType type;                 ///< meaningless when the case acts on dom0 alone
  std::string id;                 ///< "slug@pv64", "slug@pvh", or "slug"
  std::vector<Capability> needs;  ///< the case's own and those that follow from it, each once
};

std::vector<Variant> variants_of(const std::vector<RegisteredCase>& cases);
/// Of all cases in this program.
std::vector<Variant> all_variants();

/// Those whose id begins with any of `prefixes`; all when there is none. A prefix that selects nothing is an InputError
/// with the nearest known names.
std::vector<Variant> select_variants(const std::vector<Variant>& all, const std::vector<std::string>& prefixes);

/// Up to three known names that `wrong` may have meant, nearest first: ids, slugs and their dotted prefixes.
std::vector<std::string> suggest(const std::vector<Variant>& all, std::string_view wrong);

}  // namespace assay
