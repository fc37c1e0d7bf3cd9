/// One record per machine frame: who owns it, who refers to it, and as what. Source: public/xen.h on page tables.
#pragma once

#include <cstdint>

#include "hv/base/host.hpp"
#include "hv/base/types.hpp"
#include "hv/mm/domain_memory.hpp"

namespace hv {

/// What a frame is used as while its type count is not zero. At most one at a time.
enum class PageType : uint8_t {
  kNone,
  kL1,
  kL2,
  kL3,
  kL4,
  kSegDesc,   ///< GDT or LDT
  kWritable,  ///< at least one writable mapping
};

enum class FrameState : uint8_t {
  kFree,      ///< in the allocator; zero so that a fresh table is a free machine
  kCore,      ///< the core's own: no guest can name it
  kDomain,    ///< owner is set: part of a domain's reservation
  kLeftover,  ///< as kDomain, of a dying domain, given up by it but held by others
  kShared,    ///< owner is set: the core's, shared with a domain
};

struct FrameInfo {
  DomainMemory* owner;
  uint32_t refs;  ///< general references; 0 = nobody may use the frame
  uint32_t type_refs;
  uint32_t next;  ///< list links, 0 = none
  uint32_t prev;
  FrameState state;
  PageType type;
  bool validated;           ///< page-table types: every entry has been checked and holds its references
  bool pinned;              ///< MMUEXT_PIN_*: holds one general and one type reference
  bool allocated;           ///< the owner's allocation reference has not been dropped
  bool needs_scrub;         ///< free: may hold data of its last owner
  uint8_t free_order;       ///< free block head: order + 1; 0 otherwise
  bool free_when_unshared;  ///< kShared: the core is done with it
  /// > 0: so many entries refer to other tables of the same level; < 0: so many of those refer to this one.
  int32_t linear;
};
static_assert(sizeof(FrameInfo) == 40);

/// Takes over the machine's frames: frame table, allocator and M2P. Called once by boot.
void mm_init();

namespace detail {
extern FrameInfo* frame_table;
extern uint64_t frame_count;
}  // namespace detail

/// The first MiB of a PC is not for memory: no frame in it is ever handed out.
constexpr uint64_t kFirstRamFrame = 256;

[[nodiscard]] inline bool frame_valid(Mfn mfn) {
  return mfn.raw() < detail::frame_count;
}

[[nodiscard]] inline bool frame_is_ram(Mfn mfn) {
  return mfn.raw() >= kFirstRamFrame && frame_valid(mfn);
}

/// The frame must be valid.
inline FrameInfo& frame_info(Mfn mfn) {
  HV_ASSERT(frame_valid(mfn));
  return detail::frame_table[mfn.raw()];
}

/// The pseudo-owner of frames that only the hypervisor has (DOMID_XEN): the M2P, mappable read-only by a privileged
/// domain.
DomainMemory& core_memory();
/// DOMID_IO: owns nothing here, as the machine has no device memory.
DomainMemory& io_memory();

void list_append(FrameList& list, Mfn mfn);
void list_remove(FrameList& list, Mfn mfn);

}  // namespace hv
