/// The functions that libFuzzer and AFL++ call. One program holds many targets: ASSAY_FUZZ_TARGET names the one to run.
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fuzz/targets/entropy.hpp"
#include "fuzz/targets/fuzz_target.hpp"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t bytes_max);

namespace assay::fuzz {
namespace {

const FuzzSpec* chosen = nullptr;

/// For `assay fuzz`: a line each, fields between tabs.
void print_targets() {
  for (const FuzzSpec& spec : fuzz_targets()) {
    fmt::print("{}\t{}\t{}\t{}\n", spec.name, spec.bytes_max, spec.is_canary ? 1 : 0, spec.reads);
  }
}

/// In the form of the fuzzers' dictionaries.
void print_words(const FuzzSpec& spec) {
  if (spec.words == nullptr) return;
  for (const std::string& word : spec.words()) {
    fmt::print("\"");
    for (const char c : word) fmt::print("\\x{:02x}", static_cast<uint8_t>(c));
    fmt::print("\"\n");
  }
}

const FuzzSpec* choose_target() {
  constexpr int kBadUsage = 64;
  const char* const name = std::getenv("ASSAY_FUZZ_TARGET");
  const FuzzSpec* const found = name == nullptr ? nullptr : find_fuzz_target(name);
  if (found != nullptr) return found;
  std::fprintf(stderr, "ASSAY_FUZZ_TARGET must name a target of this program; --list prints them\n");
  std::exit(kBadUsage);
}

std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

size_t give(const std::string& input, uint8_t* data, size_t bytes_max) {
  const size_t bytes = std::min(input.size(), bytes_max);
  std::memcpy(data, input.data(), bytes);
  return bytes;
}

}  // namespace
}  // namespace assay::fuzz

using namespace assay::fuzz;

/// Without what costs most and finds least. Leaks are the tests' business.
extern "C" const char* __asan_default_options() {
  return "detect_stack_use_after_return=0:quarantine_size_mb=8:detect_leaks=0";
}

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const std::string_view asked = *argc == 2 ? (*argv)[1] : "";
  if (asked == "--list") print_targets();
  if (asked != "--list") chosen = choose_target();
  if (asked == "--words") print_words(*chosen);
  if (asked.starts_with("--")) std::exit(0);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chosen->run(text_of(data, size));
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t bytes_max, unsigned seed) {
  if (chosen->mutate == nullptr) return LLVMFuzzerMutate(data, size, bytes_max);
  Entropy entropy(seed);
  return give(chosen->mutate(text_of(data, size), entropy), data, bytes_max);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* one, size_t one_bytes, const uint8_t* other,
                                            size_t other_bytes, uint8_t* out, size_t bytes_max, unsigned seed) {
  if (chosen->cross == nullptr) return 0;  // then the fuzzer tries something else
  Entropy entropy(seed);
  return give(chosen->cross(text_of(one, one_bytes), text_of(other, other_bytes), entropy), out, bytes_max);
}
