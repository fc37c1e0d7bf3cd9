#include "fuzz/faults/batch_player.hpp"

#include <chrono>
#include <functional>
#include <optional>

#include "fuzz/sequence/shorten.hpp"

namespace assay {
namespace {

using Clock = std::chrono::steady_clock;
using fuzz::Care;
using fuzz::GuestTarget;
using Operations = std::vector<std::string>;

/// Well below what a batch may take, see detector_options.
constexpr std::chrono::seconds kSmallerLimit{1};

/// Does what plays an input; nothing when all holds afterwards.
template <typename Play>
std::optional<CaseResult> trouble_of(const Play& play) {
  CaseResult trouble;
  trouble.verdict = Verdict::kFail;
  try {
    play();
    return std::nullopt;
  } catch (const TargetDied& died) {
    trouble.verdict = died.how() == TargetDied::How::kHang ? Verdict::kTimeout : Verdict::kCrash;
    trouble.message = died.what();
  } catch (const HarnessFault& fault) {
    trouble.verdict = Verdict::kError;
    trouble.message = fault.what();
  } catch (const std::exception& broken) {
    trouble.message = broken.what();
  }
  return trouble;
}

}  // namespace

std::vector<std::string> operations_of(const GuestTarget& target, std::string_view input) {
  std::vector<std::string> operations;
  for (size_t at = target.head_bytes; at + target.operation_bytes <= input.size(); at += target.operation_bytes) {
    operations.emplace_back(input.substr(at, target.operation_bytes));
  }
  return operations;
}

std::string input_of(const GuestTarget& target, std::string_view head, const std::vector<std::string>& operations) {
  std::string input(head.substr(0, target.head_bytes));
  for (const std::string& operation : operations) input += operation;
  return input;
}

CaseResult BatchPlayer::play(HostTarget& core, const InputBatch& batch) {
  const GuestTarget& target = *batch.target;
  if (playing_ != &target) player_.reset();
  playing_ = &target;
  for (const std::string& input : batch.inputs) {
    auto trouble = trouble_of([&] {
      if (!player_) player_ = target.begin(core);
      player_->play(input, Care::kUsual);
    });
    if (!trouble) continue;
    trouble->console = input;
    return player_ && on_the_spot_ == OnTheSpot::kMakeSmall ? smaller(std::move(*trouble), target) : *trouble;
  }
  CaseResult borne;
  borne.verdict = Verdict::kPass;
  return borne;
}

CaseResult BatchPlayer::smaller(CaseResult trouble, const GuestTarget& target) const {
  const auto until = Clock::now() + kSmallerLimit;
  const std::string played = player_->played();
  const std::function<size_t(const std::vector<Operations>&)> first_failing = [&](const auto& tried) {
    for (size_t i = 0; i < tried.size(); ++i) {
      const std::string input = input_of(target, played, tried[i]);
      auto again = trouble_of([&] { player_->play(input, Care::kAll); });
      if (!again) continue;
      trouble = std::move(*again);
      trouble.console = input;
      return i;
    }
    return tried.size();
  };
  const std::function<bool()> goes_on = [&] { return Clock::now() < until; };
  const Operations operations = operations_of(target, played);
  fuzz::Shortening<std::string> shortening(operations, operations.size(), first_failing, goes_on);
  while (shortening.take_out()) {
  }
  return trouble;
}

}  // namespace assay
