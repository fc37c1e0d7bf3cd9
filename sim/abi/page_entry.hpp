/// Bits of a page-table entry, as processor and hypervisor read them.
#pragma once

#include <cstdint>

namespace assay {

// Bits of an entry. Source: AMD64 manual, volume 2, chapter 5.
constexpr uint64_t kPtePresent = 1u << 0;
constexpr uint64_t kPteWritable = 1u << 1;
constexpr uint64_t kPteUser = 1u << 2;
constexpr uint64_t kPteWriteThrough = 1u << 3;
constexpr uint64_t kPteCacheDisable = 1u << 4;
constexpr uint64_t kPteAccessed = 1u << 5;
constexpr uint64_t kPteDirty = 1u << 6;
constexpr uint64_t kPteLarge = 1u << 7;  ///< PAT in a level 1 entry
constexpr uint64_t kPteGlobal = 1u << 8;
constexpr uint64_t kPteAvailable = 7u << 9;
constexpr uint64_t kPteFrame = 0x000f'ffff'ffff'f000;
constexpr uint64_t kPteNoExecute = 1ull << 63;

/// Leaves of a kernel's own map, and of one that it must not write.
constexpr uint64_t kLeafRw = kPtePresent | kPteWritable | kPteAccessed | kPteDirty;
constexpr uint64_t kLeafRo = kPtePresent | kPteAccessed;
/// Entries above level 1.
constexpr uint64_t kBranch = kPtePresent | kPteWritable | kPteUser | kPteAccessed;
/// An entry that names a table of the level it is in.
constexpr uint64_t kLinear = kPtePresent | kPteUser | kPteAccessed;

constexpr unsigned kEntries = 512;
/// L4 slots that are the hypervisor's. Source: public/arch-x86/xen-x86_64.h, HYPERVISOR_VIRT_START.
constexpr unsigned kXenSlotFirst = 256;
constexpr unsigned kXenSlotLast = 271;

}  // namespace assay
