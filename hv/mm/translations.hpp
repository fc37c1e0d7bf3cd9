/// Translations that processors keep of page tables (TLBs): what makes them stale, and who has to forget them when.
///
/// A guest that changes a level 1 entry flushes what it has to, as on hardware. The core flushes on its own where it
/// relies on there being no stale translation: before a frame gets another type, when it changes hands, and when an
/// entry above level 1 has gone.
#pragma once

#include <cstdint>

#include "hv/mm/domain_memory.hpp"

namespace hv {

/// A level 1 entry was changed: until something is flushed its old translation may be used.
void translations_left_stale();
/// Nobody may use a stale translation of the kind above any more. Takes effect for vCPUs that run elsewhere before the
/// core is left, see `flushes_wanted`.
void forget_stale_translations();
/// As above, and waits until it has taken effect everywhere. May be a scheduling point.
void flush_stale_translations();

/// Part of assay_run.tlb_version that all vCPUs share.
[[nodiscard]] uint64_t translations_version();
/// Grows with every flush that may concern a vCPU on another pCPU.
[[nodiscard]] uint64_t flushes_wanted();
/// Some vCPU's version has grown: others have to notice.
void want_flush();

/// How to wait until every pCPU has noticed; set at boot, null in between.
void set_flush_hook(void (*complete)());
void translations_init();

}  // namespace hv
