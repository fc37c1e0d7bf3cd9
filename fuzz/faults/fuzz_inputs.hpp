/// What the fuzz targets that play with guests are given where there is no fuzzer: their committed corpora, and what
/// becomes of them by the targets' own mutators. No coverage guides that.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fuzz/targets/guests/guest_target.hpp"
#include "sim/base/embedded_file.hpp"

namespace assay {

/// Inputs of one target that are played one after the other on one core.
struct InputBatch {
  const fuzz::GuestTarget* target;
  std::vector<std::string> inputs;
};

/// The corpora as the program carries them inside itself.
std::span<const EmbeddedFile> embedded_corpora();

/// `mutations` inputs of each target beside its corpus, in batches. The seed decides all.
std::vector<InputBatch> input_batches(uint64_t seed, size_t mutations);

}  // namespace assay
