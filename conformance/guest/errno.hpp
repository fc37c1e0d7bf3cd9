/// The errno values that hypercalls return, from the public header: XEN_EINVAL and its kin. A result is `-XEN_EINVAL`.
#pragma once

// The header makes its enumeration only when it is included in the plain way.
#include <xen/errno.h>
