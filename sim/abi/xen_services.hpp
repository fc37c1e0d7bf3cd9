/// Parts of the public Xen ABI that only device models and toolstacks speak: dm_op, hypfs_op and platform_op. As
/// xen.hpp otherwise.
#pragma once

#include "sim/abi/xen.hpp"

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#endif
extern "C" {
#include <xen/hvm/dm_op.h>
#include <xen/hypfs.h>
#include <xen/platform.h>
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
