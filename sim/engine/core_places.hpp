/// Which places of planted bugs a core comes by: what never comes by there plays out the same with the bug.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/engine/core_object.hpp"

namespace assay {

class CorePlaces {
 public:
  /// `core` has booted, and goes back to this moment again and again: what it came by so far stays met for good.
  explicit CorePlaces(const CoreObject& core) : places_(core.places()), before_(places_.begin(), places_.end()) {}

  /// Those met before, and since the last time that this was asked; ascending.
  [[nodiscard]] std::vector<uint32_t> take() {
    std::vector<uint32_t> met;
    for (uint32_t i = 0; i < places_.size(); ++i) {
      if (places_[i] != 0 || before_[i] != 0) met.push_back(i);
      places_[i] = 0;
    }
    return met;
  }

 private:
  std::span<uint8_t> places_;
  std::vector<uint8_t> before_;
};

}  // namespace assay
