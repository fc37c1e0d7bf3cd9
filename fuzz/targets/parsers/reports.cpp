/// results.json of whoever, and the files that are made from it.
#include <stdexcept>

#include "fuzz/targets/fuzz_target.hpp"
#include "reports/compare.hpp"
#include "reports/html.hpp"
#include "reports/junit.hpp"
#include "reports/results.hpp"
#include "reports/utf8.hpp"

namespace assay::fuzz {
namespace {

void show(const Results& results) {
  must(!to_html(results).empty() && !to_junit(results).empty(), "every result can be shown");
  must(!to_difference_html({"a", &results}, {"b", &results}).empty(), "every result can be compared");
  for (const Change& change : compare(results, results)) {
    must(change.kind != ChangeKind::kRegressed && change.kind != ChangeKind::kFixed, "nothing differs from itself");
  }
}

void read_results(std::string_view input) {
  Results results;
  try {
    results = from_json(input);
  } catch (const std::runtime_error&) {
    return;
  }
  const std::string text = to_json(results);
  must(to_json(from_json(text)) == text, "results are read as they were written");
  show(results);
}

void read_text(std::string_view input) {
  const std::string valid = valid_utf8(input);
  must(valid_utf8(valid) == valid, "valid text stays as it is");
  must(html_escape(input).find('<') == std::string::npos, "nothing in the text is markup");
  must(xml_safe(input).find('\0') == std::string::npos, "XML has no NUL");
}

std::vector<std::string> words() {
  std::vector<std::string> all;
  for (const char* key :
       {"schema",       "suite",        "version", "digest",      "cases",       "target",    "kind",     "name",
        "capabilities", "run",          "seed",    "duration_us", "interrupted", "restarts",  "command",  "summary",
        "id",           "requirements", "verdict", "expected",    "message",     "reproduce", "rule",     "source",
        "where",        "steps",        "vcpu",    "text",        "failed",      "level",     "profiles", "claimed",
        "passed",       "pass",         "fail",    "skip",        "crash",       "evidence"}) {
    all.push_back(std::string("\"") + key + "\"");
  }
  return all;
}

const FuzzTarget kResults{{
    .name = "results",
    .reads = "results.json; and the page, JUnit and comparison made of it",
    .run = read_results,
    .bytes_max = 8192,
    .words = words,
}};

const FuzzTarget kText{{
    .name = "text",
    .reads = "text of unknown origin, for the report",
    .run = read_text,
    .bytes_max = 256,
}};

}  // namespace
}  // namespace assay::fuzz
