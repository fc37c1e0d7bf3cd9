/// What somebody who mistyped a name may have meant.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

/// Up to three of `names` that resemble `wrong`, nearest first; those that are nothing like it are left out.
std::vector<std::string> nearest(const std::set<std::string>& names, std::string_view wrong);

/// "; did you mean a or b?", or nothing.
std::string did_you_mean(const std::vector<std::string>& suggestions);

}  // namespace assay
