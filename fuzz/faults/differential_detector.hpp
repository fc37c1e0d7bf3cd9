/// The comparison with a reference, the real Xen, as a detector: the same sequences on a core, up to the first whose
/// trace is another than the reference's.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "fuzz/faults/detector.hpp"
#include "fuzz/faults/reach.hpp"
#include "fuzz/faults/reference.hpp"

namespace assay {

class DifferentialDetector final : public Detector {
 public:
  /// `stand_in`: a core that agrees with the reference and starts fast. What can be left out of a sequence is tried
  /// with it, as the reference takes seconds to boot; settle() asks the reference whether that was right.
  DifferentialDetector(Reference reference, TargetFactory stand_in, uint64_t seed, unsigned jobs)
      : reference_(std::move(reference)),
        reach_(reference_.tasks().size()),
        stand_in_(std::move(stand_in)),
        seed_(seed),
        jobs_(jobs) {}

  [[nodiscard]] std::string_view name() const override { return "differential"; }
  /// `by` is the sequence, as `assay check --play` takes it; its length is the steps.
  Detection look(const Suspect& suspect) override;
  void settle(const std::vector<Detection*>& found) override;

 private:
  /// A sequence that was made small without the reference.
  struct Unsettled {
    fuzz::Task small;
    Trace trace;      ///< of the core with the fault
    fuzz::Task sure;  ///< of which the reference's trace was there
  };
  /// What the reference makes of them in the end; nothing of any when it is no longer there.
  [[nodiscard]] std::vector<std::optional<Trace>> last_word(const std::vector<fuzz::Task>& tasks) const;
  Detection describe(const TargetFactory& make_target, size_t index, const fuzz::TaskResult& result);

  Reference reference_;
  Reach reach_;  ///< of its tasks
  TargetFactory stand_in_;
  uint64_t seed_;
  unsigned jobs_;
  /// By Detection::by; where several cores were found by the same sequence, in the order of the looks.
  std::map<std::string, std::deque<Unsettled>> unsettled_;
};

}  // namespace assay
