#include "sim/target/xen/shared_mailbox.hpp"

#include <sched.h>

#include <algorithm>
#include <cstring>

#include "sim/target/agent/host_clock.hpp"

namespace assay::xen {

using agents::host_cpus;
using agents::host_now_ns;
using agents::host_sleep_ns;

namespace {

constexpr uint64_t kDataOffset = offsetof(assay_mailbox, data);
static_assert(sizeof(assay_mailbox) == ASSAY_MAILBOX_BYTES && kDataOffset < kPageSize);

/// Looks at the reply this often before it gives the host's CPU away: about 100 us, longer than a trivial operation.
constexpr unsigned kSpins = 4000;
/// After this long the wait is not for a trivial operation: sleep between looks, and ask whether anybody is alive.
constexpr uint64_t kYieldNs = 1'000'000;
/// Shorter naps starve an emulator on the same CPU: it is preempted before it gets anywhere.
constexpr uint64_t kNapNs = 30'000;
constexpr uint64_t kMachineCheckNs = 1'000'000;
constexpr uint64_t kDomainCheckNs = 100'000'000;
constexpr uint64_t kListenLimitNs = 10'000'000'000;

/// With one CPU for both sides only sleeping lets the other run: a yield to an emulator that never sleeps lasts a whole
/// time slice, milliseconds.
bool shares_one_cpu() {
  static const bool is_single = host_cpus() < 2;
  return is_single;
}

}  // namespace

SharedMailbox::SharedMailbox(DomId domain, const Frames& frames, agents::Watch& watch)
    : domain_(domain), frames_(frames), watch_(&watch), sequence_(0) {
  sequence_ = __atomic_load_n(&header()->reply, __ATOMIC_ACQUIRE);
}

bool SharedMailbox::listens() const {
  return __atomic_load_n(&header()->magic, __ATOMIC_ACQUIRE) == ASSAY_AGENT_MAGIC &&
         header()->version == ASSAY_AGENT_VERSION;
}

bool SharedMailbox::replied() const {
  return __atomic_load_n(&header()->reply, __ATOMIC_ACQUIRE) == sequence_;
}

void SharedMailbox::copy_in(std::span<const std::byte> bytes) {
  uint64_t at = kDataOffset;
  while (!bytes.empty()) {
    const uint64_t count = std::min<uint64_t>(bytes.size(), kPageSize - at % kPageSize);
    std::memcpy(frames_[at / kPageSize] + at % kPageSize, bytes.data(), count);
    bytes = bytes.subspan(count);
    at += count;
  }
}

void SharedMailbox::copy_out(std::span<std::byte> bytes) const {
  uint64_t at = kDataOffset;
  while (!bytes.empty()) {
    const uint64_t count = std::min<uint64_t>(bytes.size(), kPageSize - at % kPageSize);
    std::memcpy(bytes.data(), frames_[at / kPageSize] + at % kPageSize, count);
    bytes = bytes.subspan(count);
    at += count;
  }
}

void SharedMailbox::start(const GuestRequest& request) {
  if (in_flight_) throw HarnessFault("a second operation was started on a vcpu that has one in flight");
  if (request.in.size() > ASSAY_MAILBOX_DATA_BYTES) throw HarnessFault("an operation carries too much data");
  assay_mailbox* box = header();
  box->op = request.op;
  box->data_bytes = static_cast<uint32_t>(request.in.size());
  std::copy(request.arg.begin(), request.arg.end(), box->arg);
  copy_in(request.in);
  out_ = request.out;
  in_flight_ = true;
  __atomic_store_n(&box->request, ++sequence_, __ATOMIC_RELEASE);
}

bool SharedMailbox::wait(uint64_t timeout_ns, bool owes_prompt_reply) {
  for (unsigned i = shares_one_cpu() ? 0 : kSpins; i > 0; --i) {
    if (replied()) return true;
    __builtin_ia32_pause();
  }
  const uint64_t start = host_now_ns();
  uint64_t machine_check = start + kMachineCheckNs;
  uint64_t domain_check = start + kDomainCheckNs;
  while (!replied()) {
    const uint64_t now = host_now_ns();
    if (now - start >= timeout_ns) return false;
    if (now >= machine_check) {
      watch_->check_machine();
      machine_check = now + kMachineCheckNs;
    }
    if (owes_prompt_reply && now >= domain_check) {
      watch_->check_domain(domain_);
      domain_check = host_now_ns() + kDomainCheckNs;
    }
    if (now - start < kYieldNs && !shares_one_cpu()) {
      sched_yield();
    } else {
      host_sleep_ns(kNapNs);
    }
  }
  return true;
}

void SharedMailbox::take(GuestReply& reply) {
  const assay_mailbox* box = header();
  in_flight_ = false;
  reply.status = static_cast<assay_status>(box->status);
  std::copy(std::begin(box->value), std::end(box->value), reply.value.begin());
  if (reply.status == ASSAY_STATUS_FAULT) reply.fault = box->fault;
  // The count comes from a guest that may be broken: never more than was asked for or than there is.
  const uint64_t limit = std::min<uint64_t>(out_.size(), ASSAY_MAILBOX_DATA_BYTES);
  copy_out(out_.first(std::min<uint64_t>(limit, box->reply_bytes)));
}

bool SharedMailbox::await(GuestReply& reply, uint64_t timeout_ns) {
  if (!in_flight_) throw HarnessFault("a reply is awaited and no operation is in flight");
  if (!wait(timeout_ns, false)) return false;
  take(reply);
  return true;
}

void SharedMailbox::execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) {
  start(request);
  if (!wait(timeout_ns, true)) watch_->explain_silence(domain_, "operation " + std::to_string(request.op));
  take(reply);
}

void SharedMailbox::await_listener() {
  const uint64_t start_ns = host_now_ns();
  uint64_t domain_check = start_ns + kDomainCheckNs;
  while (!listens()) {
    if (__atomic_load_n(&header()->magic, __ATOMIC_ACQUIRE) == ASSAY_AGENT_MAGIC) {
      throw HarnessFault("an agent of version " + std::to_string(header()->version) + " listens, not of version " +
                         std::to_string(ASSAY_AGENT_VERSION));
    }
    const uint64_t now = host_now_ns();
    if (now - start_ns > kListenLimitNs) watch_->explain_silence(domain_, "the start of a vcpu");
    if (now >= domain_check) {
      watch_->check_machine();
      watch_->check_domain(domain_);
      domain_check = host_now_ns() + kDomainCheckNs;
    }
    host_sleep_ns(kNapNs);
  }
}

}  // namespace assay::xen
