/// What came of one variant, and its form on the wire between worker and runner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/steps.hpp"
#include "conformance/tries.hpp"
#include "conformance/verdict.hpp"
#include "sim/target/target.hpp"

namespace assay {

struct CaseResult {
  Verdict verdict = Verdict::kError;
  std::string message;             ///< empty for a pass
  std::vector<std::string> notes;  ///< failed checks and what the case wrote down
  std::string console;             ///< for anything worse than inconclusive
  std::string evidence;            ///< the target's, likewise; and what a dead worker left behind
  std::vector<CaseStep> steps;     ///< what its guests did, in words
  uint64_t digest = 0;             ///< of the target, 0 when it is not deterministic
  uint64_t duration_us = 0;
  uint32_t boots = 0;                  ///< fresh boots that the subject's death made necessary
  std::vector<uint32_t> places_met{};  ///< Target::places_met
  Tries tries{};                       ///< the runner's, so it is not on the wire: a worker knows of one
};

/// Binary, and any bytes in the texts survive. decode_* throw std::exception on anything malformed.
std::string encode(const CaseResult& result);
CaseResult decode_result(std::string_view bytes);
std::string encode(const TargetInfo& info);
TargetInfo decode_target_info(std::string_view bytes);

}  // namespace assay
