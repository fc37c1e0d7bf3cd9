#include "sim/engine/rng.hpp"

#include <bit>

namespace assay {

namespace {

/// Splitmix64: one step of a Weyl sequence, scrambled.
uint64_t scramble(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

/// FNV-1a: stream names are short and few.
uint64_t hash_name(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace

Rng::Rng(uint64_t seed) : seed_(seed) {
  uint64_t at = seed;
  for (uint64_t& word : state_) {
    word = scramble(at);
    at += 0x9e3779b97f4a7c15u;
  }
}

Rng Rng::fork(std::string_view name) const {
  return Rng(scramble(seed_ ^ scramble(hash_name(name))));
}

uint64_t Rng::next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint64_t Rng::below(uint64_t bound) {
  // Reject the first 2^64 mod bound values, so that every result is equally likely.
  const uint64_t skip = (0 - bound) % bound;
  uint64_t value = next();
  while (value < skip) value = next();
  return value % bound;
}

}  // namespace assay
