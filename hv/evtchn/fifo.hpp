/// The state of a domain with the FIFO ABI: where its control blocks and event words are, and how its queues end.
#pragma once

#include "hv/base/lock.hpp"
#include "hv/evtchn/event_channels.hpp"

namespace hv {

constexpr uint32_t kWordsPerPage = kPageSize / sizeof(event_word_t);
constexpr uint32_t kFifoPagesMax = kPortsFifo / kWordsPerPage;
static_assert(kFifoPagesMax == 128);

/// Of one vCPU. The guest has the heads; the ends are ours, as it could make them say anything.
struct FifoVcpu {
  Mfn frame;
  evtchn_fifo_control_block_t* block;     ///< null until registered
  uint32_t tail[EVTCHN_FIFO_MAX_QUEUES];  ///< port that was appended last; 0 = none
};

struct Fifo {
  Lock lock;        ///< ends of queues, and the queue that a port was last put into
  FifoVcpu* vcpus;  ///< vcpus_max of the domain
  uint32_t pages;   ///< of event words, in port order
  Mfn frames[kFifoPagesMax];
  event_word_t* words[kFifoPagesMax];
};

/// The word of a port; null when the guest has not supplied it yet.
[[nodiscard]] inline event_word_t* fifo_word(const Fifo& fifo, Port port) {
  const uint32_t page = port.raw() / kWordsPerPage;
  return page < fifo.pages ? fifo.words[page] + port.raw() % kWordsPerPage : nullptr;
}

}  // namespace hv
