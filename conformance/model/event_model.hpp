/// Event channels of some domains, 2-level ABI: what every operation answers, and the bits that guests see.
///
/// Sources: the requirements EVTCHN-ALLOC, -INTER, -VIRQ, -IPI, -CLOSE, -SEND, -STATUS, -BVCPU, -UNMASK, -RESET and
/// -2L.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace assay::model {

struct Port {
  enum class Kind : uint8_t { kUnbound, kInterdomain, kVirq, kIpi };
  Kind kind = Kind::kUnbound;
  uint16_t remote = 0;       ///< domain: who may bind it, or who has
  uint32_t remote_port = 0;  ///< kInterdomain
  uint32_t virq = 0;
  uint32_t vcpu = 0;  ///< that is notified
};

/// A result register, and the port that was copied back, where one was.
struct PortAnswer {
  int64_t result;
  uint32_t port = 0;
};

class EventModel {
 public:
  static constexpr uint32_t kPortsMax = 4096;
  static constexpr uint32_t kVirqs = 24;

  struct Vcpu {
    uint64_t selector = 0;
    bool upcall_pending = false;
  };
  struct Domain {
    uint32_t ports_max = kPortsMax;  ///< port numbers are below it
    std::vector<Vcpu> vcpus;
    std::map<uint32_t, Port> ports;  ///< that are not free; 0 never is one
    std::set<uint32_t> pending, masked;
  };

  /// A domain with ports 1..`ports_max`-1.
  void add_domain(uint16_t id, uint32_t vcpus, uint32_t ports_max);
  [[nodiscard]] Domain& domain(uint16_t id) { return domains_.at(id); }
  [[nodiscard]] const Domain& domain(uint16_t id) const { return domains_.at(id); }
  /// A global virq is one for the whole machine, or the whole domain: vCPU 0 alone has it.
  static bool is_global(uint32_t virq);

  /// `caller` is a domain of the model, without privileges; `dom` and `remote` are as in the argument.
  PortAnswer alloc_unbound(uint16_t caller, uint16_t dom, uint16_t remote);
  PortAnswer bind_interdomain(uint16_t caller, uint16_t remote, uint32_t remote_port);
  PortAnswer bind_virq(uint16_t caller, uint32_t virq, uint32_t vcpu);
  PortAnswer bind_ipi(uint16_t caller, uint32_t vcpu);
  int64_t close(uint16_t caller, uint32_t port);
  int64_t send(uint16_t caller, uint32_t port);
  int64_t bind_vcpu(uint16_t caller, uint32_t port, uint32_t vcpu);
  int64_t unmask(uint16_t caller, uint32_t port);
  int64_t reset(uint16_t caller, uint16_t dom);
  /// Result of status; what it reports of the port stands in domain().ports, a free one is closed.
  [[nodiscard]] int64_t status(uint16_t caller, uint16_t dom, uint32_t port) const;

 private:
  [[nodiscard]] uint32_t free_port(const Domain& domain) const;
  [[nodiscard]] Port* find(uint16_t caller, uint32_t port);
  /// An error where `dom` is not the caller itself; 0 otherwise, with `dom` resolved.
  [[nodiscard]] int64_t resolve(uint16_t caller, uint16_t& dom) const;
  void set_pending(uint16_t dom, uint32_t port);
  void notify(Domain& domain, uint32_t port);
  void release(uint16_t dom, uint32_t port);

  std::map<uint16_t, Domain> domains_;
};

}  // namespace assay::model
