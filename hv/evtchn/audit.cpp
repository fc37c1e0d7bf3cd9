/// The invariants of event channels, read at rest.
#include <cstdio>

#include "hv/evtchn/fifo.hpp"
#include "hv/evtchn/ports.hpp"

namespace hv {

namespace {

struct Findings {
  void (*report)(void*, const char*);
  void* context;
  DomId id;
  uint32_t count = 0;

  void add(uint32_t port, const char* what) {
    char text[160];
    std::snprintf(text, sizeof text, "d%u event channel %u: %s", unsigned{id.raw()}, port, what);
    report(context, text);
    ++count;
  }
};

void check_interdomain(EventChannels& channels, uint32_t number, const EventChannel& channel, Findings& findings) {
  if (channel.remote == nullptr) {
    findings.add(number, "interdomain without a peer domain");
    return;
  }
  const EventChannel* peer = channel_at(*channel.remote, Port{channel.value});
  if (peer == nullptr || peer->state != PortState::kInterdomain || peer->remote != &channels || peer->value != number) {
    findings.add(number, "its peer does not name it back");
  }
  if (channel.remote_id != channel.remote->id) findings.add(number, "the peer's domain id is wrong");
}

void check_virq(const EventChannels& channels, uint32_t number, const EventChannel& channel, Findings& findings) {
  const uint32_t vcpu_id = virq_is_global(channel.value) ? 0 : channel.notify_vcpu;
  const uint32_t* row = vcpu_id < channels.vcpus_max ? channels.virq_ports[vcpu_id] : nullptr;
  if (channel.value >= NR_VIRQS || row == nullptr || row[channel.value] != number) {
    findings.add(number, "bound to a virq that does not name it back");
  }
}

void check_channel(EventChannels& channels, uint32_t number, const EventChannel& channel, Findings& findings) {
  if (channel.lock.held()) findings.add(number, "locked at rest");
  if (channel.state == PortState::kReserved && number != 0) findings.add(number, "reserved");
  if (channel.state == PortState::kFree && number < channels.first_free) findings.add(number, "free below the hint");
  if (channel.state <= PortState::kReserved && channel.consumer != nullptr)
    findings.add(number, "consumed, not in use");
  if (channel.state == PortState::kInterdomain) check_interdomain(channels, number, channel, findings);
  if (channel.state == PortState::kVirq) check_virq(channels, number, channel, findings);
}

void check_virq_rows(EventChannels& channels, Findings& findings) {
  for (uint32_t vcpu_id = 0; channels.virq_ports != nullptr && vcpu_id < channels.vcpus_max; ++vcpu_id) {
    const uint32_t* row = channels.virq_ports[vcpu_id];
    for (uint32_t virq = 0; row != nullptr && virq < NR_VIRQS; ++virq) {
      if (row[virq] == 0) continue;
      const EventChannel* channel = channel_at(channels, Port{row[virq]});
      if (channel == nullptr || channel->state != PortState::kVirq || channel->value != virq) {
        findings.add(row[virq], "a virq names it, but it is not bound to that virq");
      }
    }
  }
}

void check_fifo(const EventChannels& channels, Findings& findings) {
  const Fifo* state = channels.fifo;
  if ((channels.delivery == &fifo()) != (state != nullptr)) findings.add(0, "its ABI is not what it delivers by");
  if (state == nullptr) return;
  if (state->lock.held()) findings.add(0, "its queues are locked at rest");
  if (state->pages > kFifoPagesMax) findings.add(0, "it has more words than ports");
  for (uint32_t vcpu_id = 0; vcpu_id < channels.vcpus_max; ++vcpu_id) {
    const FifoVcpu& vcpu = state->vcpus[vcpu_id];
    for (const uint32_t tail : vcpu.tail) {
      if (tail == 0) continue;
      if (vcpu.block == nullptr) findings.add(tail, "in a queue of a vCPU without a control block");
      if (fifo_word(*state, Port{tail}) == nullptr) findings.add(tail, "the end of a queue, but it has no word");
    }
  }
}

}  // namespace

uint32_t evtchn_audit(EventChannels& channels, void (*report)(void*, const char*), void* context) {
  Findings findings{report, context, channels.id};
  uint32_t active = 0;
  uint32_t consumed = 0;
  for (uint32_t number = 0; number < channels.valid_ports; ++number) {
    const EventChannel& channel = channel_of(channels, Port{number});
    if (channel.state > PortState::kReserved) ++active;
    if (channel.consumer != nullptr) ++consumed;
    check_channel(channels, number, channel, findings);
  }
  check_virq_rows(channels, findings);
  check_fifo(channels, findings);
  if (active != channels.active_ports) findings.add(0, "the count of ports in use is wrong");
  if (consumed != channels.xen_ports) findings.add(0, "the count of consumed ports is wrong");
  return findings.count;
}

}  // namespace hv
