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

bool HostPort::run(uint64_t timeout_ns) {
  const uint64_t now = machine_.now_ns();
  const uint64_t deadline = timeout_ns > ASSAY_NEVER - now ? ASSAY_NEVER : now + timeout_ns;
  try {
    if (machine_.run_until(vcpu_.has_replied(), deadline)) return true;
  } catch (const CoreDied& died) {
    vcpu_.keep();
    throw translate(died);
  }
  vcpu_.keep();
  if (vcpu_.is_lost()) throw TargetDied(TargetDied::How::kDeadAgent, vcpu_.trouble());
  return false;
}

bool HostPort::await(GuestReply& reply, uint64_t timeout_ns) {
  if (!run(timeout_ns)) return false;
  reply = vcpu_.reply();
  return true;
}

bool HostPort::execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) {
  reply = GuestReply{};
  vcpu_.borrow(request, reply);
  if (run(timeout_ns)) return true;
  watch_.explain_silence(domain_);
  return false;
}

}  // namespace assay::host
