/// The frames that an HVM domain's second-stage tables are made of, accounted apart from its reservation.
/// Source: public/domctl.h, XEN_DOMCTL_{get,set}_paging_mempool_size.
#pragma once

#include "hv/base/error.hpp"
#include "hv/mm/domain_memory.hpp"

namespace hv {

/// A zeroed frame for a table; kInvalidMfn when the pool is used up.
Mfn take_paging_frame(DomainMemory& memory);
/// One frame goes back into the pool.
void give_back_paging_frame(DomainMemory& memory, Mfn mfn);
/// Every table goes back into the pool.
void give_back_paging_tables(DomainMemory& memory);
/// Sizes the pool to max(frames, what is used). ENOMEM: the pool keeps what it has got so far.
Status resize_paging_pool(DomainMemory& memory, uint64_t frames);

}  // namespace hv
