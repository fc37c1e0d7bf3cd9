/// What looks for planted faults: the interface that the campaign knows of the cases, the properties and the rest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conformance/runner/runner.hpp"
#include "conformance/runner/worker_main.hpp"
#include "reports/kill_matrix.hpp"

namespace assay {

/// Looks for anything wrong with a core. It is told nothing of what is wrong, nor whether anything is.
class Detector {
 public:
  virtual ~Detector() = default;
  /// One word: a column of the kill matrix.
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Plays with the cores that `make_target` makes. The same core gives the same answer, but for the time it takes.
  /// A core that crashes, hangs or does not even boot is found. Throws Interrupted, and HarnessFault when the harness
  /// cannot go on.
  virtual Detection look(const TargetFactory& make_target) = 0;
  /// After the last look: what was found may still be put right, at once for all of it, where that takes long to begin.
  virtual void settle(const std::vector<Detection*>& /*found*/) {}
};

/// Somebody wants the run to end.
struct Interrupted {};

/// How a detector runs what takes milliseconds in process: what takes seconds hangs.
RunOptions detector_options(uint64_t seed, unsigned jobs);
/// Throws what look() throws where the run did not come to its end.
void must_have_ended(const RunOutcome& outcome);
/// What the run says beside its results: of a core that does not boot that it does not, otherwise nothing.
Detection said_by_boot(const RunOutcome& outcome);

}  // namespace assay
