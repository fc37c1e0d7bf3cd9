#include "conformance/runner/seed.hpp"

#include <xxhash.h>

#include <array>

namespace assay {

uint64_t case_seed(uint64_t root_seed, std::string_view slug) {
  return XXH3_64bits_withSeed(slug.data(), slug.size(), root_seed);
}

void Digest::fold(std::string_view text) {
  fold(text.size());
  value_ = XXH3_64bits_withSeed(text.data(), text.size(), value_);
}

void Digest::fold(uint64_t number) {
  std::array<unsigned char, 8> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(number >> (8 * i));
  value_ = XXH3_64bits_withSeed(bytes.data(), bytes.size(), value_);
}

}  // namespace assay
