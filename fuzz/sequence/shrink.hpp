/// Makes a sequence that fails as short and as plain as it can be, by RapidCheck's ways to shrink.
#pragma once

#include <functional>
#include <vector>

#include "fuzz/sequence/operation.hpp"
#include "fuzz/sequence/shorten.hpp"

namespace assay::fuzz {

using FirstFailing = Shortening<Operation>::FirstFailing;

struct Shrunk {
  Sequence sequence;
  uint64_t tried = 0;      ///< candidates
  bool is_minimal = true;  ///< nothing simpler fails; otherwise time was up
};

/// `batch` candidates are tried at a time; `goes_on` is asked between batches.
Shrunk shrink(Sequence failing, size_t batch, const FirstFailing& first_failing, const std::function<bool()>& goes_on);

}  // namespace assay::fuzz
