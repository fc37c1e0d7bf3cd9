/// The public Xen headers of the console and of the store, from libxen-dev. As sim/abi/xen.hpp otherwise.
#pragma once

#include <cerrno>
#include <cstdint>

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#endif
extern "C" {
#include <xen/io/console.h>
// The table of error names needs the errno constants above.
#include <xen/io/xs_wire.h>
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
