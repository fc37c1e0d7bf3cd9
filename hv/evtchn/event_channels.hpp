/// Event channels of one domain: ports and their bindings. How events get to the guest is delivery.hpp's business.
/// Operations between two domains take both components; who may ask for what is decided by the caller (hv/hypercall),
/// except where the ABI makes the order of the two checks observable: there the verdict is passed in.
#pragma once

#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/base/lock.hpp"
#include "hv/base/types.hpp"
#include "hv/evtchn/delivery.hpp"
#include "sim/abi/xen.hpp"

namespace hv {

/// How events reach vCPUs: implemented above (hv/domain), so that this folder knows nothing of vCPUs.
class UpcallSink {
 public:
  /// Sets evtchn_pending_sel bit and evtchn_upcall_pending of a vCPU and kicks it when the latter was clear.
  virtual void mark_pending(uint32_t vcpu_id, uint32_t selector_bit) = 0;
  /// Sets evtchn_upcall_pending of a vCPU alone, and kicks it when that was clear.
  virtual void raise_upcall(uint32_t vcpu_id) = 0;
  /// A port became pending: wakes vCPUs that poll it.
  virtual void wake_pollers(Port port) = 0;
  [[nodiscard]] virtual bool vcpu_exists(uint32_t vcpu_id) const = 0;

 protected:
  ~UpcallSink() = default;
};

struct EventChannels;
struct DomainMemory;

/// A consumer inside the hypervisor: called instead of setting the port pending, on the sender's pCPU.
using XenConsumer = void (*)(EventChannels& channels, uint32_t vcpu_id, Port port);

enum class PortState : uint8_t { kFree, kReserved, kUnbound, kInterdomain, kPirq, kVirq, kIpi };

struct EventChannel {
  Lock lock;  ///< state and binding; the component's lock is taken first
  PortState state = PortState::kFree;
  uint8_t priority = EVTCHN_FIFO_PRIORITY_DEFAULT;  ///< FIFO: the queue of its next event
  uint8_t queued_priority = 0;                      ///< FIFO: the queue that it was last put into,
  uint32_t queued_vcpu = 0;                         ///< and whose
  bool saved_pending = false;                       ///< FIFO: an event waits for the port's word to exist
  DomId remote_id;                                  ///< unbound: who may bind; interdomain: the peer
  uint32_t notify_vcpu = 0;
  uint32_t value = 0;  ///< interdomain: the peer's port; virq, pirq: its number
  EventChannels* remote = nullptr;
  XenConsumer consumer = nullptr;
};

constexpr uint32_t kPortsPerBucket = 64;
constexpr uint32_t kPorts2Level = EVTCHN_2L_NR_CHANNELS;
constexpr uint32_t kPortsFifo = EVTCHN_FIFO_NR_CHANNELS;
static_assert(kPorts2Level == 4096 && kPortsFifo == 131072);

/// Why a reset stopped.
enum class ResetProgress : uint8_t { kDone, kPreempted };

struct EventChannels {
  DomId id;
  Lock lock;  ///< allocation, virq bindings, reset progress. Two components: lower id first.
  UpcallSink* sink = nullptr;
  shared_info_t* shared = nullptr;
  const Delivery* delivery = &two_level();
  struct Fifo* fifo = nullptr;  ///< the queues of a domain with the FIFO ABI
  bool dying = false;           ///< no new ports
  uint32_t max_port = 0;        ///< highest number that may be handed out
  uint32_t valid_ports = 0;     ///< ports that exist: grows by a bucket when the first of its ports is handed out
  uint32_t active_ports = 0;    ///< neither free nor reserved
  uint32_t xen_ports = 0;       ///< of those, consumed by the hypervisor
  uint32_t first_free = 1;      ///< no port below is free
  uint32_t reset_next = 0;      ///< 0: no reset in progress
  uint32_t vcpus_max = 0;
  uint32_t** virq_ports = nullptr;  ///< per vCPU, null until its first virq: port of each virq, 0 = unbound
  EventChannel* buckets[kPortsFifo / kPortsPerBucket] = {};
};

/// Makes ports 0..63 exist and reserves port 0. ENOMEM leaves nothing allocated.
Status evtchn_init(EventChannels& channels, uint32_t max_port, uint32_t vcpus_max);
/// Frees the memory of a component whose ports are all closed.
void evtchn_free_memory(EventChannels& channels);

/// The channel of a port that exists.
inline EventChannel& channel_of(EventChannels& channels, Port port) {
  return channels.buckets[port.raw() / kPortsPerBucket][port.raw() % kPortsPerBucket];
}
/// The channel when the port exists, null otherwise.
[[nodiscard]] inline EventChannel* channel_at(EventChannels& channels, Port port) {
  if (port.raw() >= channels.valid_ports) return nullptr;
  return &channel_of(channels, port);
}

/// Errors, in order: EINVAL dying; ENOSPC or ENOMEM no port; EPERM not `permitted`. On error nothing changes.
Result<Port> evtchn_alloc_unbound(EventChannels& channels, DomId remote, bool permitted);
/// An unbound port on `vcpu_id` that only the hypervisor consumes.
Result<Port> evtchn_alloc_for_xen(EventChannels& channels, uint32_t vcpu_id, DomId remote, XenConsumer consumer);
/// Errors, in order: EINVAL dying; ENOSPC or ENOMEM no local port; EINVAL remote port not open for us.
/// On success the local port is pending.
Result<Port> evtchn_bind_interdomain(EventChannels& local, EventChannels& remote, Port remote_port);
/// Errors, in order: EINVAL virq; EINVAL global virq and vcpu not 0; ENOENT no vcpu; EEXIST bound; then as allocation.
Result<Port> evtchn_bind_virq(EventChannels& channels, uint32_t virq, uint32_t vcpu_id);
/// Errors, in order: ENOENT no vcpu; then as allocation.
Result<Port> evtchn_bind_ipi(EventChannels& channels, uint32_t vcpu_id);
/// Errors, in order: EEXIST bound already; as allocation. Range and access rights are the caller's business. There is
/// no line behind it: to an HVM guest, the only kind that gets here, a pirq is a number.
Result<Port> evtchn_bind_pirq(EventChannels& channels, uint32_t pirq);
/// EINVAL: free, reserved, not existing, or consumed by the hypervisor unless `by_xen`.
Status evtchn_close(EventChannels& channels, Port port, bool by_xen = false);
/// EINVAL: not an unbound, interdomain or IPI port.
Status evtchn_send(EventChannels& channels, Port port);
/// Errors, in order: EINVAL no such port; EACCES consumed by the hypervisor; EPERM not `permitted`.
/// Fills status and vcpu, and the member of u that the state has.
Status evtchn_status(EventChannels& channels, Port port, bool permitted, evtchn_status_t& status);
/// Errors, in order: ENOENT no vcpu; EINVAL port that does not exist, is bound to its vcpu, or is not bound at all.
Status evtchn_bind_vcpu(EventChannels& channels, Port port, uint32_t vcpu_id);
/// EINVAL: no such port. A port not in use is left alone.
Status evtchn_unmask(EventChannels& channels, Port port);

/// Registers the FIFO control block of a vCPU: at `offset` of the frame that the guest calls `gfn`. The first one of a
/// domain moves all of it to the FIFO ABI: every port keeps its event until its word exists, and gets the default
/// priority.
/// Errors, in order: ENOENT no vcpu; EINVAL offset past the frame's end or not aligned; EINVAL the vcpu has one; EINVAL
/// no frame, or not one that is written to; ENOMEM. On error nothing changes.
Status evtchn_init_control(EventChannels& channels, DomainMemory& memory, uint32_t vcpu_id, Gfn gfn, uint32_t offset);
/// Adds the words of 1024 further ports, and announces what was pending for them.
/// Errors, in order: EOPNOTSUPP not a FIFO domain; ENOSPC all 2^17 ports have words; EINVAL as above.
Status evtchn_expand_array(EventChannels& channels, DomainMemory& memory, Gfn gfn);
/// The queue of the port's events from now on; one that is queued already stays where it is.
/// Errors, in order: EINVAL no such port; ENOSYS not a FIFO domain; EACCES not in use; EINVAL priority.
Status evtchn_set_priority(EventChannels& channels, Port port, uint32_t priority);
/// Back to the 2-level ABI: the guest's frames are let go. No port of the guest is in use.
void evtchn_leave_fifo(EventChannels& channels);

/// Closes every port of the guest, 64 between two calls of `preempt(context)`. EBUSY: a fresh reset while one is in
/// progress, or a continued one while none is; EAGAIN: ports were opened meanwhile. When done, the ABI is 2-level
/// again.
Result<ResetProgress> evtchn_reset(EventChannels& channels, bool continued, bool (*preempt)(void*), void* context);
/// The same for a dying domain, hypervisor ports included; no new port can appear.
ResetProgress evtchn_close_all(EventChannels& channels, bool (*preempt)(void*), void* context);

/// True for a virq of the whole domain, which starts on vCPU 0 and can be moved.
[[nodiscard]] bool virq_is_global(uint32_t virq);
/// Makes the port bound to the virq pending; dropped when there is none. Global virqs: `vcpu_id` 0.
void evtchn_raise_virq(EventChannels& channels, uint32_t vcpu_id, uint32_t virq);
/// Notifies the peer of a port; anything but an interdomain port is silently left alone. For ports that the hypervisor
/// consumes, and those that a guest subscribed to be told through.
void evtchn_notify_via_xen(EventChannels& channels, Port port);

/// For SCHEDOP_poll. EINVAL: port that does not exist, is not in use, or is consumed by the hypervisor.
Result<bool> evtchn_poll(EventChannels& channels, Port port);

/// Checks ports against their peers, virqs and counts. Reads only, at rest. Returns the number of violations, each
/// described through `report`.
uint32_t evtchn_audit(EventChannels& channels, void (*report)(void*, const char*), void* context);

}  // namespace hv
