/// How a domain gets to the FIFO ABI, gives it memory, and leaves it.
#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/evtchn/fifo.hpp"
#include "hv/evtchn/ports.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

namespace {

Fifo* new_fifo(uint32_t vcpus_max) {
  Fifo* fifo = arena_new<Fifo>();
  if (fifo == nullptr) return nullptr;
  fifo->vcpus = arena_array<FifoVcpu>(vcpus_max);
  if (fifo->vcpus != nullptr) return fifo;
  arena_delete(fifo);
  return nullptr;
}

void free_fifo(Fifo* fifo, uint32_t vcpus_max) {
  arena_array_free(fifo->vcpus, vcpus_max);
  arena_delete(fifo);
}

Status map_block(DomainMemory& memory, FifoVcpu& vcpu, Gfn gfn, uint32_t offset) {
  if (vcpu.block != nullptr) return fail(XEN_EINVAL);
  const Result<Mfn> frame = get_writable_gfn(memory, gfn);
  if (!frame.ok()) return frame.status();
  vcpu.frame = *frame;
  vcpu.block = reinterpret_cast<evtchn_fifo_control_block_t*>(frame_bytes(*frame) + offset);
  return kOk;
}

/// The ports of the 2-level ABI as the FIFO ABI begins with them.
void adopt_ports(EventChannels& channels) {
  for (uint32_t number = 1; number < channels.valid_ports; ++number) {
    EventChannel& channel = channel_of(channels, Port{number});
    channel.saved_pending = channels.delivery->is_pending(channels, Port{number});
    channel.priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    channel.queued_vcpu = channel.queued_priority = 0;
  }
}

/// The first registration decides: when it fails, the domain has the 2-level ABI as before.
Status enter_fifo(EventChannels& channels, DomainMemory& memory, uint32_t vcpu_id, Gfn gfn, uint32_t offset) {
  Fifo* state = new_fifo(channels.vcpus_max);
  if (state == nullptr) return fail(XEN_ENOMEM);
  if (const Status status = map_block(memory, state->vcpus[vcpu_id], gfn, offset); !status.ok()) {
    free_fifo(state, channels.vcpus_max);
    return status;
  }
  if (!fault("fifo.switch_loses_events")) adopt_ports(channels);
  channels.fifo = state;
  channels.delivery = &fifo();
  return kOk;
}

/// Events that had no word so far are announced now.
void raise_saved(EventChannels& channels, uint32_t first) {
  for (uint32_t number = first; number < first + kWordsPerPage && number < channels.valid_ports; ++number) {
    EventChannel& channel = channel_of(channels, Port{number});
    if (!channel.saved_pending) continue;
    channel.saved_pending = false;
    fifo().set_pending(channels, channel, Port{number});
  }
}

}  // namespace

Status evtchn_init_control(EventChannels& channels, DomainMemory& memory, uint32_t vcpu_id, Gfn gfn, uint32_t offset) {
  constexpr uint32_t kAlignment = 8;
  if (!channels.sink->vcpu_exists(vcpu_id)) return fail(XEN_ENOENT);
  const uint64_t bytes = fault("fifo.block_beyond_frame") ? kAlignment : sizeof(evtchn_fifo_control_block_t);
  if (offset > kPageSize - bytes) return fail(XEN_EINVAL);
  if (offset % kAlignment != 0) return fail(XEN_EINVAL);
  const LockGuard guard(channels.lock);
  if (channels.fifo == nullptr) return enter_fifo(channels, memory, vcpu_id, gfn, offset);
  return map_block(memory, channels.fifo->vcpus[vcpu_id], gfn, offset);
}

Status evtchn_expand_array(EventChannels& channels, DomainMemory& memory, Gfn gfn) {
  const LockGuard guard(channels.lock);
  Fifo* state = channels.fifo;
  if (state == nullptr) return fail(XEN_EOPNOTSUPP);
  if (state->pages == kFifoPagesMax) return fail(XEN_ENOSPC);
  const Result<Mfn> frame = get_writable_gfn(memory, gfn);
  if (!frame.ok()) return frame.status();
  const uint32_t page = state->pages;
  state->frames[page] = *frame;
  state->words[page] = frame_as<event_word_t>(*frame);
  ++state->pages;  // from here on the words are used
  if (!fault("fifo.expand_loses_events")) raise_saved(channels, page * kWordsPerPage);
  return kOk;
}

Status evtchn_set_priority(EventChannels& channels, Port port, uint32_t priority) {
  EventChannel* channel = channel_at(channels, port);
  if (channel == nullptr) return fail(XEN_EINVAL);
  const LockGuard guard(channel->lock);
  if (!channels.delivery->has_priorities()) return fail(XEN_ENOSYS);
  if (!channel_usable(*channel)) return fail(XEN_EACCES);
  if (priority > EVTCHN_FIFO_PRIORITY_MIN + (fault("fifo.priority_off_by_one") ? 1u : 0u)) return fail(XEN_EINVAL);
  channel->priority = static_cast<uint8_t>(priority);
  return kOk;
}

void evtchn_leave_fifo(EventChannels& channels) {
  Fifo* state = channels.fifo;
  if (state == nullptr) return;
  HV_ASSERT(channels.active_ports == channels.xen_ports && !state->lock.held());
  channels.delivery = &two_level();
  channels.fifo = nullptr;
  for (uint32_t page = fault("fifo.leave_leaks_words") ? state->pages : 0; page < state->pages; ++page) {
    put_page_and_type(state->frames[page]);
  }
  for (uint32_t i = 0; i < channels.vcpus_max; ++i) {
    if (state->vcpus[i].block != nullptr) put_page_and_type(state->vcpus[i].frame);
  }
  free_fifo(state, channels.vcpus_max);
}

}  // namespace hv
