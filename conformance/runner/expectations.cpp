#include "conformance/runner/expectations.hpp"

#include <fmt/format.h>

#include "sim/input/nearest.hpp"

namespace assay {
namespace {

Verdict announced_verdict(const YamlInput& file, const YAML::Node& entry) {
  const std::string name = file.optional_text(entry, "verdict").value_or("fail");
  const auto verdict = verdict_from(name);
  if (!verdict || *verdict == Verdict::kPass || *verdict == Verdict::kSkip) {
    file.fail(entry["verdict"],
              fmt::format("'{}' cannot be announced; known are fail, crash, timeout, error, inconclusive", name));
  }
  return *verdict;
}

}  // namespace

Expectations::Expectations(const YamlInput& file, const std::vector<Variant>& all) {
  for (const YAML::Node& entry : file.list()) add(file, entry, all);
}

void Expectations::add(const YamlInput& file, const YAML::Node& entry, const std::vector<Variant>& all) {
  file.expect_map(entry, {"case", "verdict", "reason", "link"});
  const std::string name = file.text(entry, "case");
  const Expectation made{announced_verdict(file, entry), file.text(entry, "reason"), file.text(entry, "link")};
  bool any = false;
  for (const Variant& variant : all) {
    if (variant.id != name && variant.registered.spec.slug != name) continue;
    any = true;
    if (!by_id_.emplace(variant.id, made).second) {
      file.fail(entry["case"], fmt::format("{} is announced already", variant.id));
    }
  }
  if (!any) file.fail(entry["case"], fmt::format("no such case: {}{}", name, did_you_mean(suggest(all, name))));
}

const Expectation* Expectations::find(const std::string& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

bool Expectations::met(const std::string& id, Verdict verdict) const {
  if (verdict == Verdict::kSkip) return true;
  const Expectation* announced = find(id);
  return verdict == (announced != nullptr ? announced->verdict : Verdict::kPass);
}

}  // namespace assay
