/// A domain: the components that the folders to the left implement, put together, and its life cycle.
#pragma once

#include <array>
#include <cstdint>

#include "hv/base/lock.hpp"
#include "hv/base/types.hpp"
#include "hv/domain/cpu_policy.hpp"
#include "hv/evtchn/event_channels.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/mm/domain_memory.hpp"
#include "hv/sched/scheduler.hpp"
#include "hv/vcpu/vcpu.hpp"

namespace hv {

enum class DyingState : uint8_t { kAlive, kDying, kDead };

/// SCHEDOP_watchdog, see watchdog.hpp.
struct Watchdog {
  bool in_use = false;
  Timer timer;
};

struct Domain final : UpcallSink {
  DomId id;
  GuestKind kind = GuestKind::kPv64;
  bool privileged = false;  ///< control and hardware domain (the first one)
  DyingState dying = DyingState::kAlive;
  std::array<uint8_t, 16> handle{};
  uint32_t ssid = 0;
  uint32_t flags = 0;  ///< XEN_DOMCTL_CDF_*
  uint32_t emulation_flags = 0;

  DomainMemory memory;
  struct EventChannels* events = nullptr;
  struct GrantTable* grants = nullptr;

  uint32_t max_vcpus = 0;  ///< as created
  Vcpu** vcpus = nullptr;  ///< max_vcpus entries; null until allocated

  uint32_t controller_pauses = 0;  ///< XEN_DOMCTL_pausedomain count
  uint32_t internal_pauses = 0;    ///< the core's own, while it works on the domain or for good when it dies
  bool shut_down = false;
  int32_t shutdown_code = -1;      ///< -1 = none recorded
  bool creation_finished = false;  ///< unpaused once

  std::array<uint64_t, HVM_NR_PARAMS> hvm_params{};
  CpuPolicy cpu_policy{};
  hvm_hw_pci_irqs pci_lines{};  ///< interrupt lines of devices, and where they lead: kept for who saves them
  hvm_hw_isa_irqs isa_lines{};
  hvm_hw_pci_link pci_links{};
  uint8_t callback_vector = 0;  ///< in force by HVM_PARAM_CALLBACK_IRQ, whatever it says now; 0 = none yet
  std::array<Watchdog, 2> watchdogs{};
  Port suspend_port{};
  uint32_t pollers = 0;       ///< vCPUs in SCHEDOP_poll: the send path asks nothing else while this is 0
  uint32_t misc_flags = 0;    ///< XEN_X86_MSR_RELAXED
  int64_t time_offset_s = 0;  ///< XEN_DOMCTL_settimeoffset
  uint32_t tsc_mode = 0;
  uint32_t tsc_incarnation = 1;
  uint32_t tsc_khz = 0;  ///< 0 = the host's
  Ns tsc_elapsed = 0;    ///< its age by XEN_DOMCTL_settscinfo, less the machine's at that time
  bool debugger_attached = false;
  Mfn eoi_frame = kInvalidMfn;                 ///< PHYSDEVOP_pirq_eoi_gmfn: held writable
  SchedDomain sched;                           ///< pool, and what the pool's policy keeps
  struct FrameRange* device_frames = nullptr;  ///< XEN_DOMCTL_iomem_permission: what it may map, ascending
  DomId target_of{DOMID_INVALID};              ///< XEN_DOMCTL_set_target: the domain this one emulates devices for
  Mfn monitor_frame = kInvalidMfn;             ///< the monitor ring, see monitor.hpp; kInvalidMfn = closed
  Port monitor_port{};

  Domain* next = nullptr;  ///< list in ascending id order

  void mark_pending(uint32_t vcpu_id, uint32_t selector_bit) override;
  void raise_upcall(uint32_t vcpu_id) override;
  void wake_pollers(Port port) override;
  [[nodiscard]] bool vcpu_exists(uint32_t vcpu_id) const override;
  [[nodiscard]] shared_info_t* shared_info() const;
};

/// Null when there is none. DOMID_SELF and reserved ids are the caller's business.
Domain* domain_by_id(DomId id);
/// Lowest id at or above; null past the last.
Domain* domain_at_or_above(DomId id);

}  // namespace hv
