/// The HVM save stream: HEADER, records as hvm_records.hpp has them, END. Source: public/hvm/save.h.
#pragma once

#include "hv/base/error.hpp"
#include "hv/domain/domain.hpp"

namespace hv {

/// Bytes that hvm_save writes at most.
[[nodiscard]] uint64_t hvm_save_bytes(const Domain& domain);
/// Returns the bytes written; `data` has room for hvm_save_bytes.
uint64_t hvm_save(const Domain& domain, uint8_t* data);
/// vCPUs without a CPU record end up down. Errors: EINVAL dying; ENODATA header missing or of the wrong size; EINVAL
/// magic or version; ENODATA no END; EINVAL unknown or malformed record; ENODEV and EOPNOTSUPP of something that the
/// domain has not; what a record's own check says. On error vCPUs may be down, and earlier records are loaded.
Status hvm_load(Domain& domain, const uint8_t* data, uint64_t bytes);
/// The body of one record. Errors: EINVAL nobody saves that type; ENOENT no such instance; ENODATA nothing to save.
Result<uint64_t> hvm_save_one(const Domain& domain, uint32_t type, uint32_t instance, uint8_t* data);

}  // namespace hv
