/// What the writer and the reader of trace files share.
#pragma once

#include <string_view>

#include "sim/trace/trace_file.hpp"

namespace assay::trace {

constexpr std::string_view kTraceMagic = "ASSAYTRC";
constexpr size_t kTraceDigestBytes = 8;
/// No event is smaller: time, pCPU, kind, whether there is a vCPU, and a core event without words.
constexpr size_t kEventBytesMin = 8 + 4 + 1 + 1 + 4 + 1;

}  // namespace assay::trace
