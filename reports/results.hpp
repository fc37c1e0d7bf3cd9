/// The results of one run against one target: what results.json holds, and all that the renderers know.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/verdict.hpp"

namespace assay {

struct ReportedCase {
  std::string id;
  std::vector<std::string> requirements;
  Verdict verdict = Verdict::kError;
  /// A pass or a skip, or what the expectation file announces. False for an unexpected pass.
  bool expected = false;
  uint64_t duration_us = 0;
  std::string message;
  std::string reproduce;  ///< a line for the shell
  std::string rule;
  std::string reason;    ///< from the expectation file; empty without one
  std::string link;      ///< likewise
  std::string evidence;  ///< file beside results.json; empty when there is none
};

struct ReportedRequirement {
  std::string id;
  std::string level;
  std::string verdict;  ///< the worst of its cases, skips aside; "untested" without any
  std::vector<std::string> cases;
};

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
};

Summary summarise(const Results& results);

/// An announced failure that passed.
bool unexpected_pass(const ReportedCase& reported);

/// The cases in the order in which people want them: the unexpected first, worst first, otherwise as they are.
std::vector<const ReportedCase*> unexpected_first(const Results& results);

/// results.json, as reports/schema/results.schema.json says. Ends with a line feed.
std::string to_json(const Results& results);
/// Throws std::runtime_error that says what is wrong and where.
Results from_json(std::string_view text);

/// "0x" and 16 digits: digests and addresses as they appear in files.
std::string hex64(uint64_t value);

}  // namespace assay
