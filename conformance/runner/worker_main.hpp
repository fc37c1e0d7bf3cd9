/// The inside of a worker process: makes a target, grades what it is told to, and reports.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "conformance/runner/case_result.hpp"
#include "conformance/runner/variants.hpp"

namespace assay {

/// Makes the target under test. Throws HarnessFault when the harness is at fault, any other exception when the target
/// cannot be had on this machine.
using TargetFactory = std::function<std::unique_ptr<Target>()>;

/// Runs one variant on the target and says what came of it. Must not throw.
using Grader = std::function<CaseResult(Target& target, const Variant& variant)>;

/// Serves until `in` closes. Returns the exit status of the process.
int worker_main(const TargetFactory& make_target, const std::vector<Variant>& variants, const Grader& grade, int in,
                int out);

}  // namespace assay
