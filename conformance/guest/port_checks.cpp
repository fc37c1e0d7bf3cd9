#include "conformance/guest/port_checks.hpp"

#include <algorithm>
#include <array>

namespace assay {
namespace {

/// One multicall full of alloc_unbound, with one argument structure for all.
class Batch {
 public:
  static constexpr uint32_t kCalls = 128;

  explicit Batch(Vcpu& vcpu) : list_(vcpu, kCalls * sizeof(multicall_entry_t) / kPageSize), argument_(vcpu) {}

  Allocated run(uint32_t calls) {
    const Gva argument = argument_.put(evtchn_alloc_unbound_t{.dom = DOMID_SELF, .remote_dom = DOMID_SELF, .port = 0});
    for (multicall_entry_t& entry : entries_) {
      entry = {};
      entry.op = __HYPERVISOR_event_channel_op;
      entry.args[0] = EVTCHNOP_alloc_unbound;
      entry.args[1] = argument.raw();
    }
    list_.put(entries_);
    const int64_t result = list_.vcpu().hypercall(__HYPERVISOR_multicall, {list_.va().raw(), calls});
    if (result != 0) return {0, result};
    entries_ = list_.get<Entries>();
    return count(calls);
  }

 private:
  using Entries = std::array<multicall_entry_t, kCalls>;

  [[nodiscard]] Allocated count(uint32_t calls) const {
    Allocated got{};
    for (uint32_t i = 0; i < calls; ++i) {
      const auto result = static_cast<int64_t>(entries_[i].result);
      if (result == 0) ++got.ports;
      if (result != 0 && got.refusal == 0) got.refusal = result;
    }
    return got;
  }

  Scratch list_;
  Scratch argument_;
  Entries entries_{};
};

}  // namespace

void check_lowest_free(CaseContext& c, EventChannels& channels, EvtchnPort port, std::string_view what) {
  const PortResult probe = channels.alloc_unbound(kDomSelf);
  c.require_eq(probe.result, 0, what);
  c.check_eq(probe.port, port, what);
  c.require_eq(channels.close(probe.port), 0, what);
}

void check_closed(CaseContext& c, EventChannels& channels, EvtchnPort port, std::string_view what) {
  const auto status = channels.status(port);
  c.check_eq(status.result, 0, what);
  c.check_eq(status.arg.status, uint32_t{EVTCHNSTAT_closed}, what);
}

void check_unbound(CaseContext& c, EventChannels& channels, EvtchnPort port, DomId remote, std::string_view what) {
  const auto status = channels.status(port);
  c.check_eq(status.result, 0, what);
  c.check_eq(status.arg.status, uint32_t{EVTCHNSTAT_unbound}, what);
  c.check_eq(status.arg.u.unbound.dom, remote.raw(), what);
}

Allocated allocate_ports(Vcpu& vcpu, uint32_t count) {
  Batch batch(vcpu);
  Allocated all{};
  while (count > 0 && all.refusal == 0) {
    const uint32_t size = std::min(count, Batch::kCalls);
    const Allocated got = batch.run(size);
    all.ports += got.ports;
    all.refusal = got.refusal;
    count -= size;
  }
  return all;
}

Allocated exhaust_ports(Vcpu& vcpu) {
  return allocate_ports(vcpu, 2 * EVTCHN_2L_NR_CHANNELS);
}

}  // namespace assay
