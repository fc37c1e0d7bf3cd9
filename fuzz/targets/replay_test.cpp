/// Every fuzz target of this program over its committed corpus, and over what becomes of it by small changes.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "fuzz/targets/fuzz_target.hpp"
#include "fuzz/targets/mutate.hpp"

namespace assay::fuzz {

/// GoogleTest would print its bytes.
static void PrintTo(const FuzzSpec& spec, std::ostream* out) {
  *out << spec.name;
}

namespace {

constexpr unsigned kMutations = 10'000;
constexpr unsigned kTypedMutations = 2'000;  ///< which take longer

std::vector<std::string> corpus_of(const FuzzSpec& spec) {
  std::vector<std::filesystem::path> paths;
  const auto folder = std::filesystem::path(ASSAY_FUZZ_CORPORA) / spec.name;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<std::string> inputs;
  for (const auto& path : paths) {
    std::ostringstream input;
    input << std::ifstream(path, std::ios::binary).rdbuf();
    inputs.push_back(input.str());
  }
  return inputs;
}

/// Exactly its bytes and no more, so that a sanitizer sees who reads on.
void run(const FuzzSpec& spec, const std::string& input) {
  const std::vector<char> bytes(input.begin(), input.end());
  spec.run({bytes.data(), bytes.size()});
}

class FuzzCorpus : public ::testing::TestWithParam<FuzzSpec> {};

TEST_P(FuzzCorpus, EveryInput_IsBorne) {
  const std::vector<std::string> inputs = corpus_of(GetParam());
  ASSERT_FALSE(inputs.empty()) << "fuzz/corpora/" << GetParam().name << " holds the corpus";
  for (const std::string& input : inputs) {
    EXPECT_LE(input.size(), GetParam().bytes_max);
    run(GetParam(), input);
  }
}

TEST_P(FuzzCorpus, WhatIsNearEveryInput_IsBorne) {
  const std::vector<std::string> inputs = corpus_of(GetParam());
  Entropy entropy(1);
  std::string last;
  const unsigned count = GetParam().mutate == nullptr ? kMutations : kTypedMutations;
  for (unsigned i = 0; i < count; ++i) {
    const std::string& from = entropy.one_in(4) ? last : inputs.at(i % inputs.size());
    last = GetParam().mutate != nullptr ? GetParam().mutate(from, entropy)
                                        : mutate_bytes(from, entropy, GetParam().bytes_max);
    ASSERT_LE(last.size(), GetParam().bytes_max);
    run(GetParam(), last);
  }
}

std::vector<FuzzSpec> targets() {
  std::vector<FuzzSpec> all(fuzz_targets().begin(), fuzz_targets().end());
  std::erase_if(all, [](const FuzzSpec& spec) { return spec.is_canary; });
  return all;
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzCorpus, ::testing::ValuesIn(targets()),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(FuzzTargets, HaveNamesThatFilesCanHave_AndSayWhatTheyRead) {
  for (const FuzzSpec& spec : fuzz_targets()) {
    EXPECT_EQ(spec.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string_view::npos)
        << spec.name;
    EXPECT_FALSE(spec.reads.empty()) << spec.name;
    EXPECT_EQ(find_fuzz_target(spec.name), &spec) << "each name once";
  }
  EXPECT_EQ(find_fuzz_target("no_such_target"), nullptr);
}

TEST(FuzzTargets, AnInputThatBreaksWhatMustHold_EndsTheProcess) {
  EXPECT_DEATH(must(false, "two is one"), "two is one");
  must(true, "one is one");
}

}  // namespace
}  // namespace assay::fuzz
