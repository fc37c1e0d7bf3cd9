/// The inside of a worker process of the fuzz detector: plays batches of inputs on its core.
#pragma once

#include <memory>

#include "conformance/runner/case_result.hpp"
#include "fuzz/faults/fuzz_inputs.hpp"

namespace assay {

/// Whether what breaks the core is made small on the spot. It need not be possible: what ends the process, or never
/// ends, has to be made small from outside.
enum class OnTheSpot : uint8_t { kMakeSmall, kLeave };

class BatchPlayer {
 public:
  explicit BatchPlayer(OnTheSpot on_the_spot) : on_the_spot_(on_the_spot) {}

  /// Up to the first input that breaks something: that, or what is left of it, is the result's console.
  CaseResult play(HostTarget& core, const InputBatch& batch);

 private:
  [[nodiscard]] CaseResult smaller(CaseResult trouble, const fuzz::GuestTarget& target) const;

  OnTheSpot on_the_spot_;
  const fuzz::GuestTarget* playing_ = nullptr;
  std::unique_ptr<fuzz::InputPlayer> player_;
};

/// An input as its operations, and back.
std::vector<std::string> operations_of(const fuzz::GuestTarget& target, std::string_view input);
std::string input_of(const fuzz::GuestTarget& target, std::string_view head,
                     const std::vector<std::string>& operations);

}  // namespace assay
