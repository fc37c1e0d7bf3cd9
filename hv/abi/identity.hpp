/// What this hypervisor says of itself. The version numbers are those of the ABI it implements.
#pragma once

#include <cstdint>
#include <string_view>

namespace hv {

constexpr uint32_t kVersionMajor = 4;
constexpr uint32_t kVersionMinor = 17;
constexpr std::string_view kExtraVersion = ".0-assay";
constexpr std::string_view kName = "hv";
constexpr std::string_view kVersion = "0.1.0";
constexpr std::string_view kCapabilities = "xen-3.0-x86_64 hvm-3.0-x86_64 ";
constexpr std::string_view kChangeset = "hv 0.1.0";
constexpr std::string_view kCompiler = "Assay hv";
constexpr std::string_view kCompileBy = "assay";
constexpr std::string_view kCompileDomain = "assay";
/// A fixed date: nothing a guest can read depends on when or where the core was built.
constexpr std::string_view kCompileDate = "2024-01-01";
/// 20 bytes, as a linker's build id has.
constexpr std::string_view kBuildId = "assay hv core 0.1.0\n";
static_assert(kBuildId.size() == 20);

}  // namespace hv
