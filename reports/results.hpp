/// The results of one run against one target: what results.json holds, and all that the renderers know.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/tries.hpp"
#include "conformance/verdict.hpp"

namespace assay {

/// Of the form of results.json. What was added with a version is optional when read, so that only a change of meaning
/// makes a new one: then older files are refused.
constexpr uint64_t kResultsSchema = 2;
/// The file has seconds.
constexpr double kMicrosecondsPerSecond = 1e6;

/// One thing that happened in a case.
struct ReportedStep {
  std::string vcpu;  ///< "d1v0": domain and vCPU that did it; empty for what the case itself did
  std::string kind;  ///< "hypercall", "read", "write", "fault", "upcall", "check", ...
  std::string text;  ///< one line: arguments, result, structures, decoded
  bool failed = false;
};

struct ReportedCase {
  std::string id;
  std::vector<std::string> requirements;
  Verdict verdict = Verdict::kError;
  /// A pass, a skip of something that the target does not claim, what the expectation file announces, or inconclusive
  /// because the target cannot choose interleavings. False for an unexpected pass.
  bool expected = false;
  uint64_t duration_us = 0;
  std::string message;
  Tries tries{};          ///< of a subject that cannot repeat itself; `verdict` and `message` are those of all of them
  std::string reproduce;  ///< a line for the shell
  std::string rule;
  std::string source;    ///< where the rule comes from
  std::string method;    ///< how the case finds out; may be empty
  std::string where;     ///< file:line of the case
  std::string digest;    ///< of the target at the case's end; empty when the target is not deterministic
  std::string reason;    ///< from the expectation file; empty without one
  std::string link;      ///< likewise
  std::string evidence;  ///< file beside results.json; empty when there is none
  std::string picture;   ///< likewise: a page of its own
  std::vector<ReportedStep> steps;
};

/// A row of conformance/requirements/, whole, so that a report needs no source tree, and what came of it.
struct ReportedRequirement {
  std::string id;
  std::string level;
  std::string verdict;  ///< the worst of its cases that told anything; "untested" without any
  std::vector<std::string> cases;
  std::string hypercall;
  std::string operation;
  std::string text;
  std::string source;
  std::string promise;
  std::vector<std::string> guests;
  std::string status;
  std::string evidence;
  std::string pv;
  std::string hvm;
  std::string settled;
  std::string uncovered;
};

/// What a run says about a profile of conformance/profiles/.
struct ReportedProfile {
  std::string id;
  std::string title;
  bool claimed = false;  ///< a skip of one of its cases is not expected
  std::string verdict;   ///< "conforms", "fails" or "incomplete"
  uint64_t cases = 0;    ///< that belong to it, run or not
  uint64_t passed = 0;
  uint64_t failed = 0;  ///< worse than inconclusive, announced or not
  uint64_t skipped = 0;
  uint64_t undecided = 0;  ///< inconclusive
  uint64_t missing = 0;    ///< not run
};

/// "pvh-guest (claimed): fails; 600 of 612 cases pass, 10 fail, 2 skipped"
std::string to_line(const ReportedProfile& profile);

struct Summary {
  std::array<uint64_t, kVerdictCount> by_verdict{};  ///< all cases, expected or not
  uint64_t expected_fail = 0;    ///< failures that the expectation file announces: counted in by_verdict, too
  uint64_t unexpected_pass = 0;  ///< passes of cases that were announced to fail: counted in by_verdict, too
  uint64_t unexpected = 0;       ///< everything that is not as expected, unexpected passes included; not in the file

  [[nodiscard]] uint64_t operator[](Verdict verdict) const { return by_verdict.at(static_cast<size_t>(verdict)); }
  [[nodiscard]] uint64_t total() const;
};

struct Results {
  std::string suite_version;
  std::string suite_digest;
  uint64_t suite_cases = 0;  ///< of the whole suite, selected or not; 0 when that is not known
  std::string target_kind;
  std::string target_name;
  std::string target_version;
  std::vector<std::string> capabilities;
  uint64_t seed = 0;
  std::string run_digest;
  uint64_t duration_us = 0;
  bool interrupted = false;  ///< cases are missing
  uint64_t restarts = 0;
  std::string command;  ///< what was run
  std::vector<ReportedCase> cases;
  std::vector<ReportedRequirement> requirements;
  std::vector<ReportedProfile> profiles;
};

Summary summarise(const Results& results);

/// An announced failure that passed.
bool unexpected_pass(const ReportedCase& reported);

/// The cases in the order in which people want them: the unexpected first, worst first, otherwise as they are.
std::vector<const ReportedCase*> unexpected_first(const Results& results);

/// results.json, as reports/schema/results.schema.json says. Ends with a line feed.
std::string to_json(const Results& results);
/// Throws std::runtime_error that begins with `name`:line:column and says what is wrong: not JSON or cut short, not the
/// results of a run, or of another version of the form.
Results from_json(std::string_view text, const std::string& name = "results.json");

/// "0x" and 16 digits: digests and addresses as they appear in files.
std::string hex64(uint64_t value);

}  // namespace assay
