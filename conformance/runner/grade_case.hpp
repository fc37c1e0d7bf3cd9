/// Runs one variant on a target that is there already, in this process.
#pragma once

#include <cstdint>
#include <functional>

#include "conformance/runner/case_result.hpp"
#include "conformance/runner/variants.hpp"

namespace assay {

/// Never throws: whatever happens becomes a verdict. What kills the process is the caller's to notice. `steps` observes
/// what the guests do; it may be null.
CaseResult grade_case(Target& target, const Variant& variant, uint64_t root_seed,
                      const std::shared_ptr<CaseSteps>& steps = std::make_shared<CaseSteps>());

/// The same with another body than the case's own.
CaseResult grade_body(Target& target, const Variant& variant, uint64_t root_seed,
                      const std::function<void(CaseContext&)>& body,
                      const std::shared_ptr<CaseSteps>& steps = std::make_shared<CaseSteps>());

/// The case needs chosen interleavings and the target cannot choose any. Such a case runs as chance has it: FAIL when a
/// check fails, otherwise INCONCLUSIVE, which is as expected.
bool cannot_steer(const TargetInfo& target, const Variant& variant);

}  // namespace assay
