/// The HVM save stream: HEADER, one CPU record per vCPU that is up, END. Source: public/hvm/save.h.
#pragma once

#include "hv/base/error.hpp"
#include "hv/domain/domain.hpp"

namespace hv {

/// Bytes that hvm_save writes at most.
[[nodiscard]] uint64_t hvm_save_bytes(const Domain& domain);
/// Returns the bytes written; `data` has room for hvm_save_bytes.
uint64_t hvm_save(const Domain& domain, uint8_t* data);
/// vCPUs without a record end up down. Records that this machine has no state for are skipped when they are
/// well-formed. Errors: EINVAL dying; ENODATA header missing or of the wrong size; EINVAL magic or version; ENODATA no
/// END; EINVAL unknown or malformed record. On error the vCPUs are down.
Status hvm_load(Domain& domain, const uint8_t* data, uint64_t bytes);
/// The body of one record. Errors: EINVAL nobody saves that type; ENOENT no such instance; ENODATA nothing to save.
Result<uint64_t> hvm_save_one(const Domain& domain, uint32_t type, uint32_t instance, uint8_t* data);

}  // namespace hv
