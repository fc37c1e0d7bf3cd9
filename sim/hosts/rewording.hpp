/// Other words for what records of pages say, as another saver might have chosen them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace assay::hosts {

/// Both as one record, in `second`: true. When they are not both records of pages, one behind the other: false.
bool merge(const std::vector<std::byte>& first, std::vector<std::byte>& second);
/// The record tells in its middle of a page `pfn` that has no memory. False, and nothing has changed: it is no record
/// of pages.
bool add_hole(std::vector<std::byte>& record, uint64_t pfn);
/// Of a record of pages.
std::optional<uint64_t> highest_pfn(const std::vector<std::byte>& record);

}  // namespace assay::hosts
