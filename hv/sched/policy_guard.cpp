#include "hv/sched/policy_guard.hpp"

#include <bit>

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

PolicyGuard::PolicyGuard(const Vcpu& vcpu) : policy_(vcpu.sched->owner) {
  policy_->lock().lock();
  while (policy_ != vcpu.sched->owner && !fault("sched.lock_of_the_old_pool")) {
    policy_->lock().unlock();
    policy_ = vcpu.sched->owner;
    policy_->lock().lock();
  }
}

PolicyGuard::~PolicyGuard() {
  const auto tickled = policy_->take_tickled();
  policy_->lock().unlock();
  for (uint32_t word = 0; word < tickled.size(); ++word) {
    for (uint64_t left = tickled[word]; left != 0; left &= left - 1) {
      sched_request(word * 64 + static_cast<uint32_t>(std::countr_zero(left)));
    }
  }
}

}  // namespace hv
