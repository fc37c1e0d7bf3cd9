/// Page tables of a PV64 guest in a stream: entries name pfns instead of machine frames. Pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace assay::migration {

/// What a frame number of an entry becomes; nothing when the domain has no such frame.
using TranslateFrame = std::function<std::optional<uint64_t>(uint64_t)>;

/// Translates all present entries of a table of `level`. Those of an L4 that are the hypervisor's own become zero.
/// Returns the index of the first entry that cannot be translated, and nothing is known about those behind it.
std::optional<unsigned> translate_table(std::span<uint64_t, 512> entries, unsigned level, const TranslateFrame& to);

}  // namespace assay::migration
