#include "conformance/runner/repeats.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

std::string note_of(const CaseResult& result, uint32_t number) {
  return fmt::format("try {}: {}{}{}", number, to_string(result.verdict), result.message.empty() ? "" : ": ",
                     result.message);
}

/// The first failure speaks for all tries: verdict and message are what its tries make of them.
CaseResult settled(CaseResult first) {
  if (first.tries.played == 1) return first;
  first.message = fmt::format("fails {} of {} times: {}", first.tries.failed, first.tries.played, first.message);
  if (first.tries.differ()) first.verdict = Verdict::kInconclusive;
  return first;
}

}  // namespace

bool repeats_itself(const TargetInfo& target) {
  return std::ranges::find(target.capabilities, Capability::kVirtualTime) != target.capabilities.end();
}

bool Repeats::failed(size_t index, Verdict verdict) const {
  return verdict > Verdict::kInconclusive && !(options_.is_expected && options_.is_expected(index, verdict));
}

bool Repeats::is_to_repeat(const TargetInfo& target, size_t index, const CaseResult& result) const {
  if (options_.more == 0 || cases_ == RepeatOptions::kCasesMax || repeats_itself(target)) return false;
  return result.verdict != Verdict::kError && failed(index, result.verdict);
}

std::optional<CaseResult> Repeats::add(const TargetInfo& target, size_t index, CaseResult result) {
  const auto found = open_.find(index);
  if (found == open_.end()) {
    if (!is_to_repeat(target, index, result)) return result;
    ++cases_;
    open_.emplace(index, std::move(result));
    return std::nullopt;
  }
  CaseResult& first = found->second;
  if (first.tries.played == 1) first.tries.failed = 1;
  ++first.tries.played;
  if (failed(index, result.verdict)) ++first.tries.failed;
  first.notes.push_back(note_of(result, first.tries.played));
  if (first.tries.played <= options_.more) return std::nullopt;
  CaseResult all = settled(std::move(first));
  open_.erase(found);
  return all;
}

std::vector<std::pair<size_t, CaseResult>> Repeats::rest() {
  std::vector<std::pair<size_t, CaseResult>> known;
  for (auto& [index, first] : open_) known.emplace_back(index, settled(std::move(first)));
  open_.clear();
  return known;
}

}  // namespace assay
