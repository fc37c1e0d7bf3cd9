/// Making sequences, and playing them on a target.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/sequence/family.hpp"

namespace assay::fuzz {

/// `length` operations as the weights of their kinds say, and nothing but the seed decides.
Sequence generate(const Family& family, uint64_t seed, size_t length);

/// Until the first disagreement, or the end. Everything that can be seen is compared every so often.
void perform(Play& play, const Sequence& sequence, Journal& journal);

/// The same with guests that it makes, and everything compared in the end, too.
void play(const Family& family, CaseContext& context, const Sequence& sequence, Journal& journal);

/// The sequence as a conformance case, ready to paste: `code` as a journal kept it.
std::string as_case(const Family& family, GuestType type, const std::vector<std::string>& code);

}  // namespace assay::fuzz
