/// The public Xen ABI, from libxen-dev, the way every part of Assay sees it: toolstack interfaces included.
/// Nothing here retypes a structure or a number. Visible to hv, sim, conformance and fuzz alike.
#pragma once

#include <cstddef>
#include <cstdint>

#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#endif
extern "C" {
#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/callback.h>
#include <xen/domctl.h>
#include <xen/elfnote.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_info_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/params.h>
#include <xen/hvm/save.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/xen.h>
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
