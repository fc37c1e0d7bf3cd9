#include "fuzz/driver/live_corpus.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fuzz/driver/reproducer.hpp"
#include "fuzz/targets/guests/calls.hpp"
#include "reports/write_file.hpp"
#include "sim/input/input_error.hpp"

namespace assay::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTriedOnMax = 256;
constexpr uint64_t kFromNothingOneIn = 8;
constexpr uint64_t kCrossedOneIn = 4;

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

}  // namespace

LiveCorpus::LiveCorpus(fs::path folder) : folder_(std::move(folder)) {
  make_folder(folder_);
  for (const fs::path& file : files_in(folder_)) {
    std::string input;
    try {
      input = read_file(file);
    } catch (const std::runtime_error& error) {
      throw InputError(fmt::format("{}; remove it, or choose another --out", error.what()));
    }
    if (input.empty() || input.size() % kCallBytes != 0 || input.size() > kCallsMax * kCallBytes) {
      throw InputError(
          fmt::format("{}: no input of raw calls, which are 1 to {} calls of {} bytes; remove it, or choose "
                      "another --out",
                      file.string(), kCallsMax, kCallBytes));
    }
    inputs_.push_back(std::move(input));
  }
}

std::string LiveCorpus::make_input(Entropy& entropy) const {
  if (inputs_.empty() || entropy.one_in(kFromNothingOneIn)) return mutate_calls("", entropy);
  const std::string& one = inputs_[entropy.below(inputs_.size())];
  if (!entropy.one_in(kCrossedOneIn)) return mutate_calls(one, entropy);
  return mutate_calls(cross_calls(one, inputs_[entropy.below(inputs_.size())], entropy), entropy);
}

void LiveCorpus::keep(const std::string& input) {
  write_file(folder_ / hash_of(input), input);
  inputs_.push_back(input);
}

void LiveCorpus::try_on(const std::string& input, Entropy& entropy) {
  if (inputs_.size() < kTriedOnMax) {
    inputs_.push_back(input);
  } else {
    inputs_[entropy.below(kTriedOnMax)] = input;
  }
}

}  // namespace assay::fuzz
