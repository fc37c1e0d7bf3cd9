/// What looks for planted faults: the interface that the campaign knows of the cases, the properties and the rest.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conformance/runner/runner.hpp"
#include "conformance/runner/worker_main.hpp"
#include "reports/kill_matrix.hpp"

namespace assay {

/// For making small what was found; what takes longer is told as it is then.
constexpr std::chrono::seconds kShrinkLimit{5};

/// A core that may have a fault, and where, so that what never comes by there need not be played.
struct Suspect {
  // Implicit: a core is a suspect.
  Suspect(TargetFactory core, std::optional<uint32_t> changed_at = {})  // NOLINT(google-explicit-constructor)
      : make(std::move(core)), place(changed_at) {}

  TargetFactory make;
  std::optional<uint32_t> place;  ///< the fault's index in the catalogue; nothing: anywhere, or nowhere
};

/// Looks for anything wrong with a core. It is told nothing of what is wrong, nor whether anything is.
class Detector {
 public:
  virtual ~Detector() = default;
  /// One word: a column of the kill matrix.
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Plays with the cores that the suspect makes. The same core gives the same answer, but for the time it takes. What
  /// the first look without a place played to its end, finding nothing, tells later ones what comes by which place
  /// (reach.hpp).
  /// A core that crashes, hangs or does not even boot is found. Throws Interrupted, and HarnessFault when the harness
  /// cannot go on.
  virtual Detection look(const Suspect& suspect) = 0;
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
