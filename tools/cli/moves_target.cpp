#include "tools/cli/moves_target.hpp"

#include <chrono>

#include "tools/cli/move_record.hpp"

namespace assay {
namespace {

constexpr unsigned kShrinkTries = 200;

template <typename Play>
CaseResult timed(Play play) {
  CaseResult result;
  const auto start = std::chrono::steady_clock::now();
  try {
    play(result);
  } catch (const std::exception& error) {
    result.verdict = Verdict::kError;
    result.message = error.what();
  }
  const auto spent = std::chrono::steady_clock::now() - start;
  result.duration_us = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(spent).count());
  return result;
}

}  // namespace

MovesTarget::MovesTarget(const std::vector<HostOptions>& hosts)
    : player_(hosts), info_(player_.hosts().host(0).target().info()) {}

CaseResult MovesTarget::play(const hosts::MoveCase& one) {
  return timed([&](CaseResult& result) {
    const hosts::MoveOutcome outcome = player_.play(one);
    result.verdict = outcome.wrong.empty() ? Verdict::kPass : Verdict::kFail;
    result.digest = outcome.digest;
    result.console = encode(record_of(one, outcome));
    if (outcome.wrong.empty()) return;
    result.message = outcome.wrong.front();
    result.notes.assign(outcome.wrong.begin() + 1, outcome.wrong.end());
  });
}

CaseResult MovesTarget::shrink(const hosts::MoveCase& failing) {
  return timed([&](CaseResult& result) {
    const hosts::MoveCase left = hosts::shrunk(player_, failing, player_.play(failing), kShrinkTries);
    result.verdict = Verdict::kPass;
    result.message = hosts::flags_of(left);
  });
}

}  // namespace assay
