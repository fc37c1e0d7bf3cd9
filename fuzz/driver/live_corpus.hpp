/// Inputs of raw calls that were worth keeping, in a folder: what the next ones are made of.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "fuzz/targets/entropy.hpp"

namespace assay::fuzz {

class LiveCorpus {
 public:
  /// Of a campaign that no coverage guides: nothing is kept.
  LiveCorpus() = default;
  /// With what an earlier campaign left in `folder`, in the order of names. Throws WriteError when inputs cannot be
  /// kept there, InputError for what is none.
  explicit LiveCorpus(std::filesystem::path folder);

  [[nodiscard]] const std::vector<std::string>& inputs() const { return inputs_; }
  /// A mutation of one of them, of two, or of nothing.
  std::string make_input(Entropy& entropy) const;
  /// Throws WriteError.
  void keep(const std::string& input);
  /// The next inputs are made of this one, too, until another takes its place.
  void try_on(const std::string& input, Entropy& entropy);

 private:
  std::filesystem::path folder_;
  std::vector<std::string> inputs_;
};

}  // namespace assay::fuzz
