/// Hypercall 18: the emergency console. Source: public/xen.h, CONSOLEIO_*.
#include <algorithm>
#include <climits>

#include "hv/base/host.hpp"
#include "hv/hypercall/call.hpp"

namespace hv {

namespace {

constexpr uint32_t kChunk = 128;

int64_t write(Call& call, uint32_t count, Gva from) {
  char chunk[kChunk];
  while (count > 0) {
    if (call.preempt_needed()) return call.continue_with({CONSOLEIO_write, count, from.raw()});
    const uint32_t bytes = std::min(count, kChunk);
    if (!copy_from_guest(call.space(), chunk, from, bytes)) return -XEN_EFAULT;
    host().console_write(host().ctx, chunk, bytes);
    from = Gva{from.raw() + bytes};
    count -= bytes;
  }
  return 0;
}

int64_t read(Call& call, uint32_t count, Gva to) {
  if (count > INT_MAX) return -XEN_E2BIG;
  char chunk[kChunk];
  uint32_t done = 0;
  while (done < count) {
    const uint64_t got = host().console_read(host().ctx, chunk, std::min(count - done, kChunk));
    if (got == 0) break;
    if (!copy_to_guest(call.space(), Gva{to.raw() + done}, chunk, got)) return -XEN_EFAULT;
    done += static_cast<uint32_t>(got);
  }
  return done;
}

}  // namespace

/// Errors, in order: EPERM not the first domain, whatever the command; then as the command.
int64_t do_console_io(Call& call) {
  if (!call.domain().privileged) return -XEN_EPERM;
  const auto count = static_cast<uint32_t>(call.arg[1]);
  switch (static_cast<uint32_t>(call.arg[0])) {
    case CONSOLEIO_write:
      return write(call, count, call.pointer(2));
    case CONSOLEIO_read:
      return read(call, count, call.pointer(2));
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace hv
