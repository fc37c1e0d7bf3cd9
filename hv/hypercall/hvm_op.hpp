/// Operations of hvm_op that have a file of their own. Source: public/hvm/hvm_op.h, public/hvm/params.h.
#pragma once

#include "hv/hypercall/call.hpp"

namespace hv {

/// Errors, in order: EFAULT; EINVAL index; ESRCH; EINVAL not an HVM domain; EPERM not over that domain; EINVAL an index
/// of the past; EPERM not by the guest itself; EEXIST can be set once; EINVAL value. A guest that gives itself too
/// small a TSS is crashed. CALLBACK_IRQ takes effect when it names a vector.
int64_t hvmop_set_param(Call& call, Gva argument);
/// Errors as above without those of the value. The structure is written back on success.
int64_t hvmop_get_param(Call& call, Gva argument);

}  // namespace hv
