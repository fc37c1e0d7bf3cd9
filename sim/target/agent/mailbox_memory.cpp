#include "sim/target/agent/mailbox_memory.hpp"

#include <algorithm>
#include <cstring>

namespace assay::agents {

namespace {

constexpr uint64_t kDataOffset = offsetof(assay_mailbox, data);
static_assert(sizeof(assay_mailbox) == ASSAY_MAILBOX_BYTES && kDataOffset < kPageSize);

}  // namespace

MailboxMemory::MailboxMemory(const Frames& frames) : frames_(frames) {
  sequence_ = __atomic_load_n(&header()->reply, __ATOMIC_ACQUIRE);
}

bool MailboxMemory::listens() const {
  return __atomic_load_n(&header()->magic, __ATOMIC_ACQUIRE) == ASSAY_AGENT_MAGIC &&
         header()->version == ASSAY_AGENT_VERSION;
}

void MailboxMemory::expect_reply() {
  sequence_ = __atomic_load_n(&header()->request, __ATOMIC_ACQUIRE);
  in_flight_ = true;
  out_ = {};
}

bool MailboxMemory::has_replied() const {
  return __atomic_load_n(&header()->reply, __ATOMIC_ACQUIRE) == sequence_;
}

void MailboxMemory::copy_in(std::span<const std::byte> bytes) {
  uint64_t at = kDataOffset;
  while (!bytes.empty()) {
    const uint64_t count = std::min<uint64_t>(bytes.size(), kPageSize - at % kPageSize);
    std::memcpy(frames_[at / kPageSize] + at % kPageSize, bytes.data(), count);
    bytes = bytes.subspan(count);
    at += count;
  }
}

void MailboxMemory::copy_out(std::span<std::byte> bytes) const {
  uint64_t at = kDataOffset;
  while (!bytes.empty()) {
    const uint64_t count = std::min<uint64_t>(bytes.size(), kPageSize - at % kPageSize);
    std::memcpy(bytes.data(), frames_[at / kPageSize] + at % kPageSize, count);
    bytes = bytes.subspan(count);
    at += count;
  }
}

void MailboxMemory::post(const GuestRequest& request) {
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

void MailboxMemory::take(GuestReply& reply) {
  const assay_mailbox* box = header();
  in_flight_ = false;
  reply.status = status_of(box->status);
  std::copy(std::begin(box->value), std::end(box->value), reply.value.begin());
  if (reply.status == ASSAY_STATUS_FAULT) reply.fault = box->fault;
  // The count comes from a guest that may be broken: never more than was asked for or than there is.
  const uint64_t limit = std::min<uint64_t>(out_.size(), ASSAY_MAILBOX_DATA_BYTES);
  copy_out(out_.first(std::min<uint64_t>(limit, box->reply_bytes)));
}

}  // namespace assay::agents
