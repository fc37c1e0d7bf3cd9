#include "conformance/runner/recorder.hpp"

#include <algorithm>

#include "reports/report_files.hpp"
#include "reports/write_file.hpp"

namespace assay {
namespace {

constexpr std::chrono::seconds kWriteEvery{1};
/// Workers wait while results are written: that may take one part in so many of the time, whatever the build.
constexpr int kWritingShare = 25;

}  // namespace

Recorder::Recorder(std::filesystem::path out, const RunDescription& run, const std::vector<Variant>& variants,
                   const Expectations& expectations, const Claims& claims, RunObserver& next)
    : out_(std::move(out)), run_(run), variants_(variants), expectations_(expectations), claims_(claims), next_(next) {
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
  // What an earlier run left there would be taken for this one's.
  std::error_code ignored;  // a folder that cannot be emptied shows when it is written to
  for (const auto& entry : std::filesystem::directory_iterator(out_ / "evidence", ignored)) {
    std::filesystem::remove_all(entry.path(), ignored);
  }
  began_ = true;
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
  if (began_ && now >= next_write_) {
    so_far_.duration = std::chrono::duration_cast<std::chrono::microseconds>(now - start_);
    write("results.json", to_json(assemble(run_, variants_, so_far_, expectations_, claims_)));
    const auto written = std::chrono::steady_clock::now();
    next_write_ = written + std::max<std::chrono::steady_clock::duration>(kWriteEvery, (written - now) * kWritingShare);
  }
  next_.on_tick();
}

Results Recorder::finish(const RunOutcome& outcome) {
  Results results = assemble(run_, variants_, outcome, expectations_, claims_);
  write("results.json", to_json(results));
  try {
    if (error_.empty()) write_reports(out_, results);
  } catch (const WriteError& error) {
    error_ = error.what();
  }
  return results;
}

}  // namespace assay
