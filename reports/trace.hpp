/// From each requirement to its cases to their last verdicts, in the forms that requirement tools read.
#pragma once

#include <string>
#include <vector>

namespace assay {

/// A case and what it last came to, one verdict for each column; empty where it did not run.
struct TracedCase {
  std::string id;
  std::string rule;
  std::vector<std::string> verdicts;
};

struct TracedRequirement {
  std::string id;
  std::string level;
  std::string hypercall;
  std::string operation;
  std::string text;
  std::string source;
  std::string promise;
  std::string status;
  std::string evidence;
  std::string uncovered;
  std::vector<TracedCase> cases;
};

struct Trace {
  std::vector<std::string> columns;  ///< what the verdicts are of: "hv", "xen"
  std::vector<TracedRequirement> requirements;
};

/// RFC 4180 with a header line: one line for each case of each requirement, one for a requirement without.
std::string to_csv(const Trace& trace);

/// Markdown with specification items as OpenFastTrace reads them: req~ID~1, which needs an itest unless nothing can
/// observe it, and itest~CASE~1, which covers what the case answers to.
/// Source: OpenFastTrace user guide, "Requirement-Enhanced Markdown".
std::string to_openfasttrace(const Trace& trace);

}  // namespace assay
