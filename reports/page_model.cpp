#include "reports/page_model.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace assay {
namespace {

using json = nlohmann::ordered_json;

constexpr size_t kBlockBytes = 256 * 1024;  // before compression: little enough to unpack at once

void add(json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json profiles_of(const Results& results) {
  json all = json::array();
  for (const ReportedProfile& profile : results.profiles) {
    all.push_back({{"id", profile.id},
                   {"title", profile.title},
                   {"claimed", profile.claimed},
                   {"verdict", profile.verdict},
                   {"cases", profile.cases},
                   {"pass", profile.passed},
                   {"fail", profile.failed},
                   {"skip", profile.skipped},
                   {"inconclusive", profile.undecided},
                   {"missing", profile.missing}});
  }
  return all;
}

json run_of(const PageRun& run) {
  const Results& results = *run.results;
  return {
      {"label", run.label},
      {"folder", run.folder},
      {"kind", results.target_kind},
      {"name", results.target_name},
      {"version", results.target_version},
      {"capabilities", results.capabilities},
      {"suite", {{"version", results.suite_version}, {"digest", results.suite_digest}, {"cases", results.suite_cases}}},
      {"seed", results.seed},
      {"digest", results.run_digest},
      {"duration_us", results.duration_us},
      {"interrupted", results.interrupted},
      {"restarts", results.restarts},
      {"command", results.command},
      {"profiles", profiles_of(results)}};
}

json result_of(const PageRun& run, const ReportedCase& reported) {
  json made{{"verdict", to_string(reported.verdict)},
            {"expected", reported.expected},
            {"duration_us", reported.duration_us},
            {"reproduce", reported.reproduce}};
  add(made, "message", reported.message);
  add(made, "digest", reported.digest);
  add(made, "reason", reported.reason);
  add(made, "link", reported.link);
  if (!reported.evidence.empty()) made["evidence"] = run.base + reported.evidence;
  if (!reported.picture.empty()) made["picture"] = run.base + reported.picture;
  return made;
}

json details_of(const PageRun& run, const ReportedCase& reported) {
  json made = json::object();
  for (const ReportedStep& step : reported.steps) {
    json each{step.vcpu, step.kind, step.text};
    if (step.failed) each.push_back(1);
    made["steps"].push_back(std::move(each));
  }
  const auto text = run.evidence.find(reported.evidence);
  if (!reported.evidence.empty() && text != run.evidence.end()) made["evidence"] = text->second;
  return made;
}

/// The results of one case, a place for each run.
using Row = std::vector<const ReportedCase*>;

class Builder {
 public:
  Builder(const std::vector<PageRun>& runs, bool difference) : runs_(runs), difference_(difference) {}

  PageModel build() {
    gather();
    json cases = json::array();
    for (const auto& [id, row] : rows_) {
      index_.emplace(id, cases.size());
      cases.push_back(case_of(row));
    }
    close_block();
    json data{{"difference", difference_},      {"runs", json::array()},     {"caveats", caveats_of_all()},
              {"requirements", requirements()}, {"cases", std::move(cases)}, {"changes", changes()}};
    for (const PageRun& run : runs_) data["runs"].push_back(run_of(run));
    model_.data = dump(data);
    return std::move(model_);
  }

 private:
  void gather() {
    for (size_t i = 0; i < runs_.size(); ++i) {
      for (const ReportedCase& reported : runs_[i].results->cases) {
        Row& row = rows_[reported.id];
        row.resize(runs_.size());
        row[i] = &reported;
      }
    }
  }

  /// What people read comes from the last run that has the case: in a difference, the later one.
  json case_of(const Row& row) {
    const ReportedCase* known = nullptr;
    json results = json::array();
    json details = json::array();
    bool any = false;
    for (size_t i = 0; i < runs_.size(); ++i) {
      results.push_back(row[i] != nullptr ? result_of(runs_[i], *row[i]) : json());
      details.push_back(row[i] != nullptr ? details_of(runs_[i], *row[i]) : json::object());
      any = any || !details.back().empty();
      if (row[i] != nullptr) known = row[i];
    }
    json made{{"id", known->id}, {"rule", known->rule}, {"requirements", known->requirements}};
    add(made, "source", known->source);
    add(made, "method", known->method);
    add(made, "where", known->where);
    made["runs"] = std::move(results);
    if (any) made["block"] = add_details(known->id, details);
    return made;
  }

  /// The number of the block that holds them.
  size_t add_details(const std::string& id, const json& details) {
    if (block_.size() > kBlockBytes) close_block();
    block_ += (block_.empty() ? "{" : ",") + dump(id) + ":" + dump(details);
    return model_.blocks.size();
  }

  void close_block() {
    if (!block_.empty()) model_.blocks.push_back(block_ + "}");
    block_.clear();
  }

  json caveats_of_all() const {
    json all = json::array();
    for (size_t i = 1; i < runs_.size(); ++i) {
      for (const std::string& caveat : caveats(*runs_[0].results, runs_[0].label, *runs_[i].results, runs_[i].label)) {
        all.push_back(caveat);
      }
    }
    return all;
  }

  json requirements() const {
    std::map<std::string_view, std::vector<const ReportedRequirement*>> by_id;
    std::vector<std::string_view> order;
    for (size_t i = 0; i < runs_.size(); ++i) {
      for (const ReportedRequirement& requirement : runs_[i].results->requirements) {
        auto& row = by_id[requirement.id];
        if (row.empty()) order.push_back(requirement.id);
        row.resize(runs_.size());
        row[i] = &requirement;
      }
    }
    json all = json::array();
    for (const std::string_view id : order) all.push_back(requirement_of(by_id[id]));
    return all;
  }

  [[nodiscard]] json requirement_of(const std::vector<const ReportedRequirement*>& row) const {
    const ReportedRequirement* known = nullptr;
    json verdicts = json::array();
    std::map<std::string_view, size_t> cases;
    for (const ReportedRequirement* each : row) {
      verdicts.push_back(each != nullptr ? json(each->verdict) : json());
      if (each == nullptr) continue;
      known = each;
      for (const std::string& id : each->cases) {
        if (const auto found = index_.find(id); found != index_.end()) cases.insert(*found);
      }
    }
    json made{{"id", known->id}, {"level", known->level}, {"text", known->text}};
    add(made, "hypercall", known->hypercall);
    add(made, "operation", known->operation);
    add(made, "source", known->source);
    add(made, "promise", known->promise);
    if (!known->guests.empty()) made["guests"] = known->guests;
    add(made, "status", known->status);
    add(made, "evidence", known->evidence);
    add(made, "pv", known->pv);
    add(made, "hvm", known->hvm);
    add(made, "settled", known->settled);
    add(made, "uncovered", known->uncovered);
    made["verdicts"] = std::move(verdicts);
    made["cases"] = json::array();
    for (const auto& [id, index] : cases) made["cases"].push_back(index);
    return made;
  }

  [[nodiscard]] json changes() const {
    json all = json::array();
    if (!difference_) return all;
    for (const Change& change : compare(*runs_[0].results, *runs_[1].results)) {
      all.push_back({{"kind", to_string(change.kind)}, {"case", index_.at(change.id)}});
    }
    return all;
  }

  const std::vector<PageRun>& runs_;
  bool difference_;
  PageModel model_;
  std::string block_;
  std::map<std::string_view, Row> rows_;
  std::map<std::string_view, size_t> index_;
};

}  // namespace

PageModel page_model(const std::vector<PageRun>& runs, bool difference) {
  return Builder(runs, difference).build();
}

}  // namespace assay
