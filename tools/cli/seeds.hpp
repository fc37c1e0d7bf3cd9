/// Seeds as they are given on the command line: "7", or "1..100".
#pragma once

#include <cstdint>
#include <string>

namespace assay {

struct Seeds {
  uint64_t first;
  uint64_t last;
};

/// `otherwise` alone when the text is empty. Throws InputError: no numbers, the wrong way round, or more than a
/// million.
Seeds seeds_of(const std::string& text, uint64_t otherwise);

}  // namespace assay
