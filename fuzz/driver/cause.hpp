/// Deaths told apart.
#pragma once

#include <string>
#include <string_view>

namespace assay::fuzz {

/// One line for what is said of a death, TargetDied's text with the console's last lines: the same for two deaths of
/// one cause, as far as that can be seen. Of a panic of Xen: what it says, and the function it was in.
std::string cause_of(std::string_view told);

}  // namespace assay::fuzz
