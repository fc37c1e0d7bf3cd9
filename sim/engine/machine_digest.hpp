/// The running digest of everything that happens in a machine: same seed, same build, same digest, on any machine.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace assay {

/// Folds words into four independent lanes (the multiply-rotate round of xxHash64), so that a step costs a few cycles.
class MachineDigest {
 public:
  void fold(uint64_t a, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0) {
    round(lane_[0], a);
    round(lane_[1], b);
    round(lane_[2], c);
    round(lane_[3], d);
    ++steps_;
  }

  /// Little-endian words, four to a step, the last step padded with zeroes; the length counts.
  void fold_bytes(std::span<const std::byte> bytes) {
    constexpr size_t kStepBytes = 32;
    for (size_t at = 0; at < bytes.size(); at += kStepBytes) {
      std::array<uint64_t, 4> words{};
      std::memcpy(words.data(), bytes.data() + at, std::min(kStepBytes, bytes.size() - at));
      fold(words[0], words[1], words[2], words[3]);
    }
    fold(bytes.size());
  }

  [[nodiscard]] uint64_t value() const {
    uint64_t sum = std::rotl(lane_[0], 1) + std::rotl(lane_[1], 7) + std::rotl(lane_[2], 12) + std::rotl(lane_[3], 18);
    sum ^= steps_;
    sum = (sum ^ (sum >> 33)) * kPrime2;
    sum = (sum ^ (sum >> 29)) * kPrime3;
    return sum ^ (sum >> 32);
  }

 private:
  static constexpr uint64_t kPrime1 = 0x9e3779b185ebca87u;
  static constexpr uint64_t kPrime2 = 0xc2b2ae3d27d4eb4fu;
  static constexpr uint64_t kPrime3 = 0x165667b19e3779f9u;

  static void round(uint64_t& lane, uint64_t word) { lane = std::rotl(lane + word * kPrime2, 31) * kPrime1; }

  std::array<uint64_t, 4> lane_{kPrime1 + kPrime2, kPrime2, kPrime3, ~kPrime1};
  uint64_t steps_ = 0;
};

}  // namespace assay
