/// The grant table of one domain: what it lets others do with its frames (shared with the guest), who does so at the
/// moment (active grants), and what it has mapped of others (maptrack). Source: public/grant_table.h.
///
/// Operations between two domains take both tables; which domain a number means and who may ask is decided by the
/// caller (hv/hypercall). Locks: a table's lock comes before the lock of any DomainMemory, and no two tables' locks are
/// held at once.
#pragma once

#include <array>
#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/base/lock.hpp"
#include "hv/grant/maptrack.hpp"
#include "hv/mm/domain_memory.hpp"
#include "hv/mm/guest_access.hpp"

namespace hv {

/// The status field of an operation. Kept apart from errno values.
enum class GrantStatus : int16_t {
  kOkay = GNTST_okay,
  kGeneralError = GNTST_general_error,
  kBadDomain = GNTST_bad_domain,
  kBadRef = GNTST_bad_gntref,
  kBadHandle = GNTST_bad_handle,
  kBadVirtAddr = GNTST_bad_virt_addr,
  kBadBusAddr = GNTST_bad_dev_addr,
  kPermissionDenied = GNTST_permission_denied,
  kBadPage = GNTST_bad_page,
  kBadCopyArg = GNTST_bad_copy_arg,
  kTryAgain = GNTST_eagain,
  kNoSpace = GNTST_no_space,
  kRestart = 1,  ///< never told to a guest: what was looked at has changed, run the operation again
};

constexpr uint32_t kGrantFramesMax = 64;
constexpr uint32_t kMaptrackFramesMax = 1024;
constexpr uint32_t kGrantVersionMax = 2;
constexpr uint32_t kGrantFramesInitial = 1;
/// References that a change of version preserves and that may be in use meanwhile.
constexpr uint32_t kReservedRefs = GNTTAB_NR_RESERVED_ENTRIES;

constexpr uint32_t kRefsPerFrameV1 = kPageSize / sizeof(grant_entry_v1_t);
constexpr uint32_t kRefsPerFrameV2 = kPageSize / sizeof(grant_entry_v2_t);
constexpr uint32_t kStatusPerFrame = kPageSize / sizeof(grant_status_t);

/// Status frames that a table of so many frames has in version 2.
constexpr uint32_t status_frames_for(uint32_t frames) {
  return (frames * kRefsPerFrameV2 + kStatusPerFrame - 1) / kStatusPerFrame;
}
constexpr uint32_t kStatusFramesMax = status_frames_for(kGrantFramesMax);

/// How a grant is used, as far as it is counted.
enum class PinKind : uint8_t { kHostWrite, kHostRead, kDeviceWrite, kDeviceRead };

/// Uses of one grant by kind. No kind goes beyond kPinsMax.
struct Pins {
  static constexpr uint8_t kPinsMax = 128;
  std::array<uint8_t, 4> count{};

  uint8_t& operator[](PinKind kind) { return count[static_cast<size_t>(kind)]; }
  [[nodiscard]] uint8_t operator[](PinKind kind) const { return count[static_cast<size_t>(kind)]; }
  [[nodiscard]] bool any() const { return (count[0] | count[1] | count[2] | count[3]) != 0; }
  [[nodiscard]] bool any_writer() const { return ((*this)[PinKind::kHostWrite] | (*this)[PinKind::kDeviceWrite]) != 0; }
};

/// A grant that is in use. Everything but the pins means something only while there are any.
struct ActiveGrant {
  Pins pins;
  DomId user;      ///< the only domain that may use it meanwhile
  uint16_t start;  ///< bytes of the frame that may be used
  uint16_t length;
  bool sub_page;       ///< copies only: part of a page, or a transitive grant
  uint32_t frame;      ///< machine frame, as narrow as in the frame table
  uint32_t inner_ref;  ///< transitive: the grant behind it
  GrantTable* inner;   ///< transitive: its table; null otherwise

  [[nodiscard]] Mfn mfn() const { return Mfn{frame}; }
};
static_assert(sizeof(ActiveGrant) == 32);

struct GrantTable {
  DomId id{};
  /// Null: the domain is gone, and this is kept for the handles that still name it.
  DomainMemory* memory = nullptr;
  Lock lock;  ///< version, size, entries and active grants
  uint32_t version = 1;
  uint32_t version_max = kGrantVersionMax;
  uint32_t frames_max = 0;
  uint32_t frames = 0;
  uint32_t status_frames = 0;
  std::array<Mfn, kGrantFramesMax> shared{};
  std::array<ActiveGrant*, kGrantFramesMax> active{};  ///< kRefsPerFrameV1 each
  std::array<Mfn, kStatusFramesMax> status{};
  uint32_t transitive_copies = 0;  ///< in flight
  uint32_t handles = 0;            ///< of any domain that name this table
  Maptrack maptrack;
};

struct GrantLimits {
  uint32_t frames_max = kGrantFramesMax;
  uint32_t maptrack_frames_max = kMaptrackFramesMax;
  uint32_t version_max = kGrantVersionMax;
};

/// Who maps: its table, and its address space for host addresses of PV64 guests.
struct Mapper {
  GrantTable& table;
  AddressSpace space;
};

/// The table of the domain with that number; null: no such domain.
using GrantTableOf = GrantTable* (*)(DomId);

// Life and size.

/// A table of one frame, version 1, without a grant. Null: no memory, nothing is left.
GrantTable* grant_table_create(DomainMemory& memory, const GrantLimits& limits);
/// The domain is gone: frees the frames, and the table as soon as no handle names it. All its own mappings must have
/// been released.
void grant_table_destroy(GrantTable* table);
/// Makes the table at least `frames` large (at most frames_max), status frames included. The lock is held.
/// ENOMEM: nothing has changed.
Status grant_table_grow(GrantTable& table, uint32_t frames);
/// The machine frame behind frame `index` of the table, or of its status frames; grows the table as far as its limit
/// allows. EINVAL: beyond that, or status frames in version 1. The lock is held.
Result<Mfn> grant_table_frame(GrantTable& table, uint32_t index, bool status);
/// GNTTABOP_set_version for the domain itself. Errors, in order: EINVAL no such version; ENOSYS beyond the domain's
/// limit; EBUSY a grant that is not reserved is in use; EAGAIN a transitive copy is in flight; ERANGE a reserved grant
/// cannot be expressed in version 1; ENOMEM; EBUSY a status frame is mapped. On error nothing changes.
Status grant_set_version(GrantTable& table, uint32_t version);

// Mapping.

struct MapRequest {
  uint64_t host_addr = 0;
  uint32_t flags = 0;
  GrantRef ref{};
};
struct MapResult {
  GrantStatus status = GrantStatus::kOkay;
  GrantHandle handle{};
  Mfn mfn{};
  bool fatal = false;  ///< the mapping domain does not survive what it tried
};
/// GNTTABOP_map_grant_ref. Errors, in order: bad_gntref neither host nor device mapping; general_error flags that HVM
/// guests do not have; bad_domain no `granter`; no_space no handle; bad_gntref beyond the table; general_error used by
/// another domain, too often, or not granted so; bad_page no frame of the granter; general_error no place to map it at,
/// or a frame that cannot be held that way. On error nothing changes.
MapResult grant_map(const Mapper& mapper, GrantTable* granter, const MapRequest& request);

struct UnmapRequest {
  uint64_t host_addr = 0;
  uint64_t bus_addr = 0;
  uint64_t new_addr = 0;  ///< GNTTABOP_unmap_and_replace: whose level 1 entry takes the place; 0: none
  GrantHandle handle{};
};
/// What an unmapped grant still holds. Mappings go first, then stale translations, then pins: a granter that sees its
/// grant unused knows that nobody can reach the frame any more.
struct PendingUnmap {
  GrantHandle handle{};
  GrantRef ref{};
  GrantTable* granter = nullptr;
  uint16_t done = 0;  ///< GNTMAP_host_map, GNTMAP_device_map: what is not mapped any more; GNTMAP_readonly
  uint64_t pte = 0;   ///< PV64: the entry that was there
  Mfn mfn{};
};
struct UnmapResult {
  GrantStatus status = GrantStatus::kOkay;
  bool fatal = false;
};
/// GNTTABOP_unmap_grant_ref and unmap_and_replace, first half. Errors, in order: bad_handle; fatal when the granter is
/// gone (its frame was unmapped behind the back of this interface); bad_dev_addr; general_error the host address does
/// not hold that mapping. A host address of 0 leaves the host mapping alone. On error nothing changes but this: an
/// entry named by `new_addr` is empty afterwards.
UnmapResult grant_unmap(const Mapper& mapper, const UnmapRequest& request, PendingUnmap& pending);
/// Second half, after stale translations were flushed.
void grant_unmap_complete(GrantTable& mapper, const PendingUnmap& pending);
/// A dying domain gives back all that it has mapped. What its page tables hold goes with them. False: call again.
[[nodiscard]] bool grant_release_mappings(GrantTable& mapper, bool (*preempt)(void*), void* context);

// Everything else.

/// GNTTABOP_swap_grant_ref within one table. Errors, in order: bad_gntref either; eagain either is in use, unless they
/// are the same. On error nothing changes.
GrantStatus grant_swap(GrantTable& table, GrantRef a, GrantRef b);
/// GNTTABOP_transfer: moves a frame to `receiver`, whose entry must accept one from this domain. Errors, in order:
/// bad_page not the sender's, or referred to by anything else; bad_domain no receiver; general_error the receiver is
/// dying, full or does not accept it. After anything but bad_page the frame is not the sender's any more.
GrantStatus grant_transfer(GrantTable& sender, Mfn mfn, GrantTable* receiver, GrantRef ref);

/// Whether `user` has an active grant of `owner` for that frame. Looks at kRefsPerLook references from `next` on, which
/// moves. The lock is taken.
enum class Search : uint8_t { kFound, kNotYet, kNotFound };
Search grant_search(GrantTable& owner, DomId user, Mfn mfn, uint32_t& next);
constexpr uint32_t kRefsPerLook = 1024;

/// Checks handles against pins, pins against frames, and sizes. Reads only, at rest. Returns the number of violations,
/// each described through `report`. `first` and `next` go through all tables.
uint32_t grant_audit(const GrantTable& table, const GrantTable* (*next)(const GrantTable*),
                     void (*report)(void*, const char*), void* context);

}  // namespace hv
