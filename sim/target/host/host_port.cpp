#include "sim/target/host/host_port.hpp"

namespace assay::host {

TargetDied translate(const CoreDied& died) {
  switch (died.how()) {
    case CoreDied::How::kPanic:
      return {TargetDied::How::kPanic, died.what()};
    case CoreDied::How::kFault:
      return {TargetDied::How::kExited, died.what()};
    case CoreDied::How::kHang:
      break;
  }
  return {TargetDied::How::kHang, died.what()};
}

bool HostPort::await(GuestReply& reply, uint64_t timeout_ns) {
  const uint64_t now = machine_.now_ns();
  const uint64_t deadline = timeout_ns > ASSAY_NEVER - now ? ASSAY_NEVER : now + timeout_ns;
  try {
    if (!machine_.run_until(guest_.has_replied(), deadline)) {
      if (guest_.state().is_lost) throw TargetDied(TargetDied::How::kDeadAgent, guest_.trouble());
      return false;
    }
  } catch (const CoreDied& died) {
    throw translate(died);
  }
  reply = guest_.reply();
  return true;
}

}  // namespace assay::host
