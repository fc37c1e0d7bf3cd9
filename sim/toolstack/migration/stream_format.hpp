/// Numbers of the libxc migration stream. Source: docs/specs/libxc-migration-stream, revision 3.
#pragma once

#include <cstdint>
#include <string>

namespace assay::migration {

constexpr uint64_t kMarker = ~uint64_t{0};
constexpr uint32_t kImageId = 0x58454e46;  ///< "XENF"
constexpr uint32_t kVersion = 3;
constexpr uint32_t kOldestVersion = 2;
constexpr uint16_t kBigEndian = 1;  ///< option bit 0; the others are reserved

constexpr uint64_t kImageHeaderBytes = 24;
constexpr uint64_t kDomainHeaderBytes = 16;
constexpr uint64_t kRecordHeaderBytes = 8;
constexpr uint64_t kAlignment = 8;

enum class DomainType : uint32_t { kPv = 1, kHvm = 2 };

enum class RecordType : uint32_t {
  kEnd = 0x00,
  kPageData = 0x01,
  kPvInfo = 0x02,
  kP2mFrames = 0x03,
  kVcpuBasic = 0x04,
  kVcpuExtended = 0x05,
  kVcpuXsave = 0x06,
  kSharedInfo = 0x07,
  kTscInfo = 0x08,
  kHvmContext = 0x09,
  kHvmParams = 0x0a,
  kToolstack = 0x0b,
  kVcpuMsrs = 0x0c,
  kVerify = 0x0d,
  kCheckpoint = 0x0e,
  kDirtyPfnList = 0x0f,
  kStaticDataEnd = 0x10,
  kCpuidPolicy = 0x11,
  kMsrPolicy = 0x12,
};
constexpr uint32_t kRecordTypes = 0x13;
/// A reader may pass over records that have it and that it does not know.
constexpr uint32_t kOptionalRecord = 1u << 31;

/// What we make and take at most. The specification has no limit; libxc sends at most 1024 pages at once.
constexpr uint64_t kBodyBytesMax = 8u << 20;

/// Entries of PAGE_DATA: XEN_DOMCTL_PFINFO_*, 32 bits further up.
constexpr unsigned kPageTypeShift = 60;
constexpr uint64_t kPfnMask = (uint64_t{1} << 52) - 1;
constexpr uint64_t kPageReservedMask = ((uint64_t{1} << kPageTypeShift) - 1) & ~kPfnMask;

enum class PageType : uint8_t {
  kNormal = 0x0,
  kL1 = 0x1,
  kL2 = 0x2,
  kL3 = 0x3,
  kL4 = 0x4,
  kL1Pinned = 0x9,
  kL2Pinned = 0xa,
  kL3Pinned = 0xb,
  kL4Pinned = 0xc,
  kBroken = 0xd,
  kAllocateOnly = 0xe,
  kInvalid = 0xf,
};
constexpr uint8_t kPinnedBit = 0x8;

constexpr bool is_known(PageType type) {
  const auto value = static_cast<uint8_t>(type);
  return value <= 0x4 || (value >= 0x9 && value <= 0xf);
}
constexpr bool has_content(PageType type) {
  return type < PageType::kBroken;
}
/// 0 for a page that is no page table.
constexpr unsigned table_level(PageType type) {
  return has_content(type) ? static_cast<unsigned>(type) & ~unsigned{kPinnedBit} : 0;
}
constexpr bool is_pinned(PageType type) {
  return has_content(type) && (static_cast<unsigned>(type) & kPinnedBit) != 0;
}

/// As the specification has it: "X86_PV_INFO", or "0x13" for one that it does not know.
std::string name_of(uint32_t record_type);
inline std::string name_of(RecordType type) {
  return name_of(static_cast<uint32_t>(type));
}

}  // namespace assay::migration
