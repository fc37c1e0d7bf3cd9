#include "conformance/runner/progress.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

constexpr std::chrono::milliseconds kPlainEvery{5000}, kTerminalEvery{100};

/// By the shortest time in which there is at least one.
std::string rate_of(size_t done, size_t ms) {
  constexpr size_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
  if (done * kSecond >= ms) return fmt::format("{}/s", done * kSecond / ms);
  if (done * kMinute >= ms) return fmt::format("{}/min", done * kMinute / ms);
  return fmt::format("{}/h", done * kHour / ms);
}

}  // namespace

std::string progress_line(size_t done, size_t total, size_t bad, std::chrono::milliseconds spent) {
  std::string line = fmt::format("[{}/{}]", done, total);
  const auto ms = static_cast<size_t>(std::max<int64_t>(spent.count(), 1));
  if (done != 0) {
    const size_t left_ms = ms * (total - done) / done;
    line += fmt::format(" {}, {} s left", rate_of(done, ms), (left_ms + 999) / 1000);
  }
  if (bad != 0) line += fmt::format(", {} failed", bad);
  return line;
}

Progress::Progress(std::FILE* stream, bool terminal, std::string target, size_t total)
    : stream_(stream),
      terminal_(terminal),
      target_(std::move(target)),
      total_(total),
      line_(stream, terminal, terminal ? kTerminalEvery : kPlainEvery) {}

void Progress::on_target(const TargetInfo& info) {
  if (!terminal_) fmt::print(stream_, "{}: {} {}, {} cases\n", target_, info.name, info.version, total_);
  start_ = Clock::now();
}

void Progress::on_result(size_t /*index*/, const CaseResult& result) {
  ++done_;
  if (result.verdict > Verdict::kInconclusive) ++bad_;
}

void Progress::on_tick() {
  if (!line_.is_due()) return;
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start_);
  line_.show(fmt::format("{} {}", target_, progress_line(done_, total_, bad_, spent)));
}

}  // namespace assay
