/// The inside of a worker process: makes a target, grades what it is told to, and reports.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "conformance/runner/variants.hpp"

namespace assay {

/// Makes the target under test. Throws HarnessFault when the harness is at fault, any other exception when the target
/// cannot be had on this machine.
using TargetFactory = std::function<std::unique_ptr<Target>()>;

/// Serves until `in` closes. Returns the exit status of the process.
int worker_main(const TargetFactory& make_target, const std::vector<Variant>& variants, uint64_t seed, int in, int out);

}  // namespace assay
