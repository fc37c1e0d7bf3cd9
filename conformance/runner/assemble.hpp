/// From what the runner saw to what reports hold.
#pragma once

#include <string>

#include "conformance/runner/expectations.hpp"
#include "conformance/runner/profiles.hpp"
#include "conformance/runner/runner.hpp"
#include "reports/results.hpp"

namespace assay {

/// What a run was asked to do, as far as reports say it.
struct RunDescription {
  std::string target;  ///< as given to --target
  std::string command;
  uint64_t seed = 0;
  std::vector<std::string> options{};  ///< further words as given, without which a case may go differently
};

/// Version and digest of the suite: ids, rules and requirements of all cases in this program.
std::string suite_version();
std::string suite_digest();

/// What a run says of itself, without cases.
Results described(const RunOutcome& outcome, const std::string& command, uint64_t seed);

/// Missing results are left out, and make the run an interrupted one. Requirements without a case are listed as
/// untested. A skip of a case that belongs to a claimed profile is not as expected.
Results assemble(const RunDescription& run, const std::vector<Variant>& variants, const RunOutcome& outcome,
                 const Expectations& expectations, const Claims& claims);

/// The line that repeats one case.
std::string reproduction(const RunDescription& run, const std::string& id);

/// The file, relative to results.json, that holds what a case left behind; empty when it left nothing.
std::string evidence_file(const std::string& id, const CaseResult& result);
std::string evidence_text(const Variant& variant, const CaseResult& result);

}  // namespace assay
