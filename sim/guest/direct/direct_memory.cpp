/// Operations that read and write guest memory. Each may be interrupted between two pages, and goes on where it was.
#include <xxh_x86dispatch.h>

#include <algorithm>

#include "sim/guest/direct/direct_guest.hpp"
#include "sim/guest/vectors.hpp"

namespace assay {

namespace {

constexpr uint8_t kAbsentByte = 0xff;

uint64_t apply(uint64_t kind, uint64_t old, uint64_t operand, uint64_t comparand) {
  switch (kind) {
    case ASSAY_ATOMIC_XCHG:
      return operand;
    case ASSAY_ATOMIC_AND:
      return old & operand;
    case ASSAY_ATOMIC_OR:
      return old | operand;
    case ASSAY_ATOMIC_ADD:
      return old + operand;
    default:
      return old == comparand ? operand : old;
  }
}

/// A page or less. Compilers put string instructions in place of a memcpy of at most a page, which are slow where the
/// page is not in the cache; a memmove they leave to the library.
void copy(void* to, const void* from, size_t bytes) {
  std::memmove(to, from, bytes);
}

template <typename Word>
uint64_t load_as(const uint8_t* host) {
  Word word;
  std::memcpy(&word, host, sizeof word);
  return word;
}

uint64_t load_word(const uint8_t* host, uint64_t width) {
  if (width == 8) return load_as<uint64_t>(host);
  if (width == 4) return load_as<uint32_t>(host);
  return width == 2 ? load_as<uint16_t>(host) : *host;
}

template <typename Word>
void store_as(uint8_t* host, uint64_t value) {
  const auto word = static_cast<Word>(value);
  std::memcpy(host, &word, sizeof word);
}

void store_word(uint8_t* host, uint64_t value, uint64_t width) {
  if (width == 8) return store_as<uint64_t>(host, value);
  if (width == 4) return store_as<uint32_t>(host, value);
  if (width == 2) return store_as<uint16_t>(host, value);
  store_as<uint8_t>(host, value);
}

}  // namespace

/// The core saw this fault and let the guest go on without a translation: nobody is there, as on an empty bus.
bool DirectGuest::is_absent_device(const MemoryMiss& miss) {
  const bool is_absent = miss.stage2 && state_.absent_device && state_.absent_address == miss.address;
  state_.absent_device = false;
  return is_absent;
}

GuestStep DirectGuest::missed(const MemoryMiss& miss) {
  if (miss.stage2) {
    state_.absent_device = true;
    state_.absent_address = miss.address;
    exit_->address = miss.address;
    exit_->access = miss.access;
    return leave_for(ASSAY_EXIT_STAGE2);
  }
  if (is_pv()) {
    exit_->vector = miss.vector;
    exit_->error_code = miss.error_code;
    exit_->has_error_code = 1;
    exit_->address = miss.address;
    return leave_for(ASSAY_EXIT_EXCEPTION);
  }
  if (miss.vector == kVectorPageFault) regs_->cr2 = miss.address;
  return finish_fault({miss.vector, miss.error_code, miss.address, regs_->rip});
}

/// Calls `each(host, offset, bytes)` page by page; `host` is null where no device answers.
template <typename Each>
GuestStep DirectGuest::transfer(uint64_t va, uint64_t bytes, assay_access access, Each&& each) {
  while (state_.done_bytes < bytes) {
    const uint64_t at = va + state_.done_bytes;
    const uint64_t part = std::min(bytes - state_.done_bytes, ASSAY_PAGE_SIZE - (at & GuestMemory::kOffsetMask));
    MemoryMiss miss;
    uint8_t* const host = memory_.reach(at, access, miss);
    if (host == nullptr && !is_absent_device(miss)) return missed(miss);
    each(host, state_.done_bytes, part);
    state_.done_bytes += part;
  }
  return finish();
}

GuestStep DirectGuest::read() {
  const uint64_t bytes = request_->arg[1];
  if (bytes > ASSAY_MAILBOX_DATA_BYTES) return finish(ASSAY_STATUS_BAD_ARGUMENT);
  const std::span<std::byte> out = request_->out;
  return transfer(request_->arg[0], bytes, ASSAY_ACCESS_READ, [&](const uint8_t* host, uint64_t offset, uint64_t part) {
    if (offset >= out.size()) return;
    const size_t kept = std::min<size_t>(part, out.size() - offset);
    if (host != nullptr) {
      copy(out.data() + offset, host, kept);
    } else {
      std::memset(out.data() + offset, kAbsentByte, kept);
    }
    machine_.fold(XXH3_64bits(out.data() + offset, kept), kept);
  });
}

GuestStep DirectGuest::write() {
  if (request_->in.size() > ASSAY_MAILBOX_DATA_BYTES) return finish(ASSAY_STATUS_BAD_ARGUMENT);
  const std::span<const std::byte> in = request_->in;
  // Where and how much, not what: a domain builder writes guest code, whose bytes depend on the compiler that made it.
  machine_.fold(request_->arg[0], in.size());
  return transfer(request_->arg[0], in.size(), ASSAY_ACCESS_WRITE, [&](uint8_t* host, uint64_t offset, uint64_t part) {
    if (host != nullptr) copy(host, in.data() + offset, part);
  });
}

GuestStep DirectGuest::fill() {
  const auto value = static_cast<uint8_t>(request_->arg[2]);
  return transfer(request_->arg[0], request_->arg[1], ASSAY_ACCESS_WRITE, [&](uint8_t* host, uint64_t, uint64_t part) {
    if (host != nullptr) std::memset(host, value, part);
  });
}

GuestStep DirectGuest::atomic() {
  const auto [va, width, kind, operand, comparand, unused6, unused7, unused8] = request_->arg;
  const bool width_ok = width == 1 || width == 2 || width == 4 || width == 8;
  if (!width_ok || kind > ASSAY_ATOMIC_ADD) return finish(ASSAY_STATUS_BAD_ARGUMENT);
  const uint64_t mask = ~0ull >> (64 - 8 * width);
  MemoryMiss miss;
  uint8_t* const host = memory_.reach(va, ASSAY_ACCESS_WRITE, miss);
  const bool straddles = (va & GuestMemory::kOffsetMask) + width > ASSAY_PAGE_SIZE;
  const bool is_there = host != nullptr && (!straddles || memory_.reach(va + width - 1, ASSAY_ACCESS_WRITE, miss));
  if (!is_there) {
    if (!is_absent_device(miss)) return missed(miss);
    reply_->value[0] = mask;
    return finish();
  }
  uint64_t old = 0;
  if (straddles) {
    static_cast<void>(memory_.read(va, &old, width, miss));
  } else {
    old = load_word(host, width);
  }
  const uint64_t changed = apply(kind, old, operand & mask, comparand & mask) & mask;
  if (straddles) {
    static_cast<void>(memory_.write(va, &changed, width, miss));
  } else {
    store_word(host, changed, width);
  }
  reply_->value[0] = old;
  return finish();
}

}  // namespace assay
