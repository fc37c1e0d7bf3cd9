/// Times, shares and sets of pCPUs as people write them. Integers all the way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/engine/pcpu_set.hpp"

namespace assay::scenario {

/// "10ms", "1.5s", "250us", "30ns". Nothing for anything else, negative times and more than an hour included.
std::optional<uint64_t> parse_duration(std::string_view text);
/// "45%", "99.9%": in hundredths of a percent.
std::optional<uint64_t> parse_percent(std::string_view text);
/// "3", "0-3", "0-3,8".
std::optional<PcpuSet> parse_pcpus(std::string_view text);
std::optional<uint64_t> parse_count(std::string_view text);

/// The shortest of those forms that is exact: "1.5ms".
std::string show_duration(uint64_t ns);
std::string show_percent(uint64_t hundredths);
std::string show_pcpus(const PcpuSet& pcpus);

}  // namespace assay::scenario
