/// What an implementer announces: which cases are known to fail, and why.
///
///     - case: evtchn.status.foreign_domain.eperm      # or with @pv64 or @pvh, for one guest type
///       verdict: fail                                 # fail (default), crash, timeout, error or inconclusive
///       reason: foreign domains are not supported yet
///       link: https://bugs.example.org/1234
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conformance/runner/variants.hpp"
#include "conformance/verdict.hpp"
#include "sim/input/yaml_input.hpp"

namespace assay {

struct Expectation {
  Verdict verdict = Verdict::kFail;
  std::string reason;
  std::string link;
};

class Expectations {
 public:
  Expectations() = default;
  /// Throws InputError with file:line:column when malformed, when a case does not exist or is announced twice.
  Expectations(const YamlInput& file, const std::vector<Variant>& all);

  /// What is announced for this variant, or null.
  [[nodiscard]] const Expectation* find(const std::string& id) const;
  /// Whether `verdict` is as it should be: a pass or a skip when nothing is announced; what is announced, or a skip,
  /// otherwise.
  [[nodiscard]] bool met(const std::string& id, Verdict verdict) const;

 private:
  void add(const YamlInput& file, const YAML::Node& entry, const std::vector<Variant>& all);
  std::map<std::string, Expectation> by_id_;
};

}  // namespace assay
