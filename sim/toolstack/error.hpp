/// Results of hypercalls, turned into ToolstackError.
#pragma once

#include <cstdint>
#include <string>

namespace assay::toolstack {

/// "-22 (EINVAL)".
std::string describe_result(int64_t result);

/// Returns `result` unless it is negative; then throws ToolstackError that names the call and the errno.
int64_t must(int64_t result, const std::string& call);

/// Throws ToolstackError unless `done` items out of `wanted` were processed.
void must_all(int64_t done, uint64_t wanted, const std::string& call);

}  // namespace assay::toolstack
