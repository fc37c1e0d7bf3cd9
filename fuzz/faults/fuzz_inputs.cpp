#include "fuzz/faults/fuzz_inputs.hpp"

#include <algorithm>
#include <iterator>

#include "sim/engine/rng.hpp"

namespace assay {
namespace {

using fuzz::GuestTarget;

/// When one of them ends the process, all of them are played again, each in a process of its own.
constexpr size_t kBatchMax = 50;

std::vector<std::string> corpus_of(const GuestTarget& target) {
  const std::string folder = "fuzz/corpora/" + std::string(target.name) + "/";
  std::vector<std::string> inputs;
  for (const EmbeddedFile& file : embedded_corpora()) {
    if (file.name.starts_with(folder)) inputs.emplace_back(file.text);
  }
  return inputs;
}

std::vector<std::string> inputs_of(const GuestTarget& target, uint64_t seed, size_t mutations) {
  std::vector<std::string> inputs = corpus_of(target);
  if (inputs.empty()) throw HarnessFault("no corpus of " + std::string(target.name) + " is built in");
  fuzz::Entropy entropy(Rng(seed).fork(target.name).next());
  for (size_t i = 0; i < mutations; ++i) {
    inputs.push_back(target.mutate(inputs[entropy.below(inputs.size())], entropy));  // of mutations, too
  }
  std::vector<std::string> pv_first;  // as few guests of the other type are built as can be
  for (const bool is_pvh : {false, true}) {
    std::ranges::copy_if(inputs, std::back_inserter(pv_first),
                         [&](const std::string& input) { return target.is_for_pvh(input) == is_pvh; });
  }
  return pv_first;
}

}  // namespace

std::vector<InputBatch> input_batches(uint64_t seed, size_t mutations) {
  std::vector<InputBatch> batches;
  for (const GuestTarget& target : fuzz::guest_targets()) {
    batches.push_back({&target, {}});
    for (std::string& input : inputs_of(target, seed, mutations)) {
      const auto& last = batches.back().inputs;
      const bool is_apart = !last.empty() && target.is_for_pvh(last.back()) != target.is_for_pvh(input);
      if (is_apart || last.size() == kBatchMax) batches.push_back({&target, {}});
      batches.back().inputs.push_back(std::move(input));
    }
  }
  return batches;
}

}  // namespace assay
