/// Runs the real gdb.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace assay::debug {

/// What gdb prints when it executes the commands one by one and leaves. It is ended after a minute. None when there is
/// no gdb here.
std::optional<std::string> run_gdb(const std::vector<std::string>& commands);

}  // namespace assay::debug
