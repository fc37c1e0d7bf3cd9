#include "fuzz/targets/mutate.hpp"

#include <array>

namespace assay::fuzz {
namespace {

constexpr size_t kChangesMax = 4;
constexpr size_t kRunMax = 16;

char interesting_byte(Entropy& entropy) {
  static constexpr std::array<uint8_t, 8> kBytes{0, 1, 0x7f, 0x80, 0xff, '\n', ' ', '0'};
  return static_cast<char>(entropy.one_in(2) ? kBytes.at(entropy.below(kBytes.size())) : entropy.below(256));
}

void change(std::string& bytes, Entropy& entropy) {
  const size_t at = entropy.below(bytes.size() + 1);
  const size_t run = 1 + entropy.below(kRunMax);
  switch (entropy.below(5)) {
    case 0:
      bytes.insert(at, 1 + entropy.below(4), interesting_byte(entropy));
      break;
    case 1:
      bytes.erase(at, run);
      break;
    case 2:
      bytes.insert(at, std::string(bytes.substr(entropy.below(bytes.size() + 1), run)));
      break;
    case 3:
      if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << entropy.below(8)));
      break;
    default:
      if (at < bytes.size()) bytes[at] = interesting_byte(entropy);
      break;
  }
}

}  // namespace

std::string mutate_bytes(std::string_view input, Entropy& entropy, size_t bytes_max) {
  std::string bytes(input);
  for (size_t left = 1 + entropy.below(kChangesMax); left != 0; --left) change(bytes, entropy);
  bytes.resize(std::min(bytes.size(), bytes_max));
  return bytes;
}

}  // namespace assay::fuzz
