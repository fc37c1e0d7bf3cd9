#include "conformance/runner/recorder.hpp"

#include "reports/html.hpp"
#include "reports/junit.hpp"
#include "reports/write_file.hpp"

namespace assay {
namespace {

constexpr std::chrono::seconds kWriteEvery{1};

}  // namespace

Recorder::Recorder(std::filesystem::path out, const RunDescription& run, const std::vector<Variant>& variants,
                   const Expectations& expectations, RunObserver& next)
    : out_(std::move(out)), run_(run), variants_(variants), expectations_(expectations), next_(next) {
  so_far_.results.resize(variants.size());
}

void Recorder::write(const std::string& name, const std::string& text) {
  if (!error_.empty()) return;
  try {
    write_file(out_ / name, text);
  } catch (const WriteError& error) {
    error_ = error.what();
  }
}

void Recorder::on_target(const TargetInfo& info) {
  so_far_.target = info;
  next_.on_target(info);
}

void Recorder::on_result(size_t index, const CaseResult& result) {
  so_far_.results[index] = result;
  const std::string name = evidence_file(variants_[index].id, result);
  if (!name.empty()) write(name, evidence_text(variants_[index], result));
  next_.on_result(index, result);
}

void Recorder::on_tick() {
  const auto now = std::chrono::steady_clock::now();
  if (now - written_ >= kWriteEvery) {
    written_ = now;
    so_far_.duration = std::chrono::duration_cast<std::chrono::microseconds>(now - start_);
    write("results.json", to_json(assemble(run_, variants_, so_far_, expectations_)));
  }
  next_.on_tick();
}

Results Recorder::finish(const RunOutcome& outcome) {
  Results results = assemble(run_, variants_, outcome, expectations_);
  write("results.json", to_json(results));
  try {
    if (error_.empty()) write_reports(out_, results);
  } catch (const WriteError& error) {
    error_ = error.what();
  }
  return results;
}

void write_reports(const std::filesystem::path& folder, const Results& results) {
  write_file(folder / "junit.xml", to_junit(results));
  write_file(folder / "index.html", to_html(results));
}

}  // namespace assay
