/// Checks the cases themselves: one answer of the hypervisor at a time is falsified, and the case must notice.
///
/// Each case runs once undisturbed, which counts the answers that its guests get (building the guests aside), and then
/// once for each answer and each way to falsify it (64 of them, evenly spread, where there are more). What no check
/// notices is an answer that a broken hypervisor could give unseen by this case.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conformance/runner/case_result.hpp"
#include "conformance/runner/variants.hpp"

namespace assay {

/// How an answer is false.
enum class Falsehood : uint8_t {
  kNotDone,  ///< a hypercall or MSR write that is not carried out, and answers 0
  kWrong,    ///< carried out, but the result, what is read, or where an instruction led, is another
};

struct FalseAnswerTally {
  uint64_t tried = 0;
  uint64_t noticed = 0;  ///< the case failed, or the subject counted as dead
  uint64_t upset = 0;    ///< the harness could not go on: neither noticed nor missed
  std::vector<std::string> unnoticed;
};

/// Runs the case as described above. The result's verdict is PASS when at least one false answer made it fail, FAIL
/// when none did, otherwise that of the undisturbed run when it is not PASS; its message carries the tally, see
/// tally_of.
CaseResult try_false_answers(Target& target, const Variant& variant, uint64_t root_seed);

/// Nothing when the result is not from try_false_answers, or the case did not pass undisturbed.
std::optional<FalseAnswerTally> tally_of(const CaseResult& result);

}  // namespace assay
