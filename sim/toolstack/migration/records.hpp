/// The records of a migration stream as values. Source: docs/specs/libxc-migration-stream, chapter 4.
#pragma once

#include <array>
#include <cstddef>
#include <variant>
#include <vector>

#include "sim/base/strong.hpp"
#include "sim/toolstack/migration/page_bytes.hpp"
#include "sim/toolstack/migration/stream_format.hpp"

namespace assay::migration {

struct PageEntry {
  uint64_t pfn = 0;
  PageType type = PageType::kNormal;
  bool operator==(const PageEntry&) const = default;
};

/// `content`: a page for each entry that has one, in the order of the entries.
struct PageData {
  std::vector<PageEntry> pages;
  PageBytes content;
  bool operator==(const PageData&) const = default;
};

struct PvInfo {
  uint8_t guest_width = 8, page_table_levels = 4;
  bool operator==(const PvInfo&) const = default;
};

/// `frames`: the pfns of the pages of the p2m list that hold the entries first_pfn..last_pfn.
struct P2mFrames {
  uint32_t first_pfn = 0, last_pfn = 0;
  std::vector<uint64_t> frames;
  bool operator==(const P2mFrames&) const = default;
};

/// X86_PV_VCPU_BASIC, _EXTENDED, _XSAVE or _MSRS.
struct VcpuState {
  RecordType type = RecordType::kVcpuBasic;
  uint32_t vcpu = 0;
  Bytes context;
  bool operator==(const VcpuState&) const = default;
};

struct SharedInfoPage {
  Bytes content;
  bool operator==(const SharedInfoPage&) const = default;
};

struct TscInfo {
  uint32_t mode = 0, khz = 0;
  uint64_t elapsed_ns = 0;
  uint32_t incarnation = 0;
  bool operator==(const TscInfo&) const = default;
};

struct HvmParam {
  uint64_t index = 0, value = 0;
  bool operator==(const HvmParam&) const = default;
};

struct HvmParams {
  std::vector<HvmParam> params;
  bool operator==(const HvmParams&) const = default;
};

struct DirtyPfnList {
  std::vector<uint64_t> pfns;
  bool operator==(const DirtyPfnList&) const = default;
};

/// HVM_CONTEXT, TOOLSTACK, X86_CPUID_POLICY or X86_MSR_POLICY: bytes that the hypervisor, or somebody else,
/// understands.
struct Blob {
  RecordType type = RecordType::kHvmContext;
  Bytes content;
  bool operator==(const Blob&) const = default;
};

/// END, VERIFY, CHECKPOINT or STATIC_DATA_END.
struct Marker {
  RecordType type = RecordType::kEnd;
  bool operator==(const Marker&) const = default;
};

using Record = std::variant<PageData, PvInfo, P2mFrames, VcpuState, SharedInfoPage, TscInfo, HvmParams, DirtyPfnList,
                            Blob, Marker>;

RecordType type_of(const Record& record);

}  // namespace assay::migration
