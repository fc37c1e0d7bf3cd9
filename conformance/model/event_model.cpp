#include "conformance/model/event_model.hpp"

#include "sim/abi/xen.hpp"

namespace assay::model {
namespace {

constexpr uint32_t kPortsPerSelectorBit = 64;
constexpr uint32_t kNone = 0;

}  // namespace

void EventModel::add_domain(uint16_t id, uint32_t vcpus, uint32_t ports_max) {
  Domain& domain = domains_[id];
  domain.ports_max = ports_max;
  domain.vcpus.resize(vcpus);
}

bool EventModel::is_global(uint32_t virq) {
  return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

uint32_t EventModel::free_port(const Domain& domain) const {
  for (uint32_t port = 1; port < domain.ports_max; ++port) {
    if (!domain.ports.contains(port)) return port;
  }
  return kNone;
}

Port* EventModel::find(uint16_t caller, uint32_t port) {
  auto& ports = domain(caller).ports;
  const auto found = ports.find(port);
  return found == ports.end() ? nullptr : &found->second;
}

int64_t EventModel::resolve(uint16_t caller, uint16_t& dom) const {
  if (dom == DOMID_SELF) dom = caller;
  if (dom == caller) return 0;
  return domains_.contains(dom) ? -XEN_EPERM : -XEN_ESRCH;
}

PortAnswer EventModel::alloc_unbound(uint16_t caller, uint16_t dom, uint16_t remote) {
  if (dom == DOMID_SELF) dom = caller;
  const auto target = domains_.find(dom);
  if (target == domains_.end()) return {-XEN_ESRCH};
  const uint32_t port = free_port(target->second);
  if (port == kNone) return {-XEN_ENOSPC};
  if (dom != caller) return {-XEN_EPERM};
  target->second.ports[port] = {.remote = remote == DOMID_SELF ? caller : remote};
  return {0, port};
}

PortAnswer EventModel::bind_interdomain(uint16_t caller, uint16_t remote, uint32_t remote_port) {
  if (remote == DOMID_SELF) remote = caller;
  if (!domains_.contains(remote)) return {-XEN_ESRCH};
  Domain& local = domain(caller);
  const uint32_t port = free_port(local);
  if (port == kNone) return {-XEN_ENOSPC};
  Port* const other = find(remote, remote_port);
  if (other == nullptr || other->kind != Port::Kind::kUnbound || other->remote != caller) return {-XEN_EINVAL};
  other->kind = Port::Kind::kInterdomain;
  other->remote = caller;
  other->remote_port = port;
  local.ports[port] = {.kind = Port::Kind::kInterdomain, .remote = remote, .remote_port = remote_port};
  set_pending(caller, port);  // what was sent while nobody was there is not lost
  return {0, port};
}

PortAnswer EventModel::bind_virq(uint16_t caller, uint32_t virq, uint32_t vcpu) {
  Domain& local = domain(caller);
  if (virq >= kVirqs) return {-XEN_EINVAL};
  if (is_global(virq) && vcpu != 0) return {-XEN_EINVAL};
  if (vcpu >= local.vcpus.size()) return {-XEN_ENOENT};
  for (const auto& [number, port] : local.ports) {
    if (port.kind == Port::Kind::kVirq && port.virq == virq && (is_global(virq) || port.vcpu == vcpu)) {
      return {-XEN_EEXIST};
    }
  }
  const uint32_t port = free_port(local);
  if (port == kNone) return {-XEN_ENOSPC};
  local.ports[port] = {.kind = Port::Kind::kVirq, .virq = virq, .vcpu = vcpu};
  return {0, port};
}

PortAnswer EventModel::bind_ipi(uint16_t caller, uint32_t vcpu) {
  Domain& local = domain(caller);
  if (vcpu >= local.vcpus.size()) return {-XEN_ENOENT};
  const uint32_t port = free_port(local);
  if (port == kNone) return {-XEN_ENOSPC};
  local.ports[port] = {.kind = Port::Kind::kIpi, .vcpu = vcpu};
  return {0, port};
}

void EventModel::release(uint16_t dom, uint32_t port) {
  Domain& local = domain(dom);
  const Port closed = local.ports.at(port);
  local.ports.erase(port);
  local.pending.erase(port);
  if (closed.kind != Port::Kind::kInterdomain || !domains_.contains(closed.remote)) return;
  if (Port* const other = find(closed.remote, closed.remote_port)) {
    other->kind = Port::Kind::kUnbound;
    other->remote = dom;
    other->remote_port = 0;
  }
}

int64_t EventModel::close(uint16_t caller, uint32_t port) {
  if (find(caller, port) == nullptr) return -XEN_EINVAL;
  release(caller, port);
  return 0;
}

int64_t EventModel::send(uint16_t caller, uint32_t port) {
  const Port* const local = find(caller, port);
  if (local == nullptr || local->kind == Port::Kind::kVirq) return -XEN_EINVAL;
  if (local->kind == Port::Kind::kInterdomain && domains_.contains(local->remote)) {
    set_pending(local->remote, local->remote_port);
  }
  if (local->kind == Port::Kind::kIpi) set_pending(caller, port);
  return 0;
}

int64_t EventModel::bind_vcpu(uint16_t caller, uint32_t port, uint32_t vcpu) {
  if (vcpu >= domain(caller).vcpus.size()) return -XEN_ENOENT;
  Port* const local = find(caller, port);
  if (local == nullptr || local->kind == Port::Kind::kIpi) return -XEN_EINVAL;
  if (local->kind == Port::Kind::kVirq && !is_global(local->virq)) return -XEN_EINVAL;
  local->vcpu = vcpu;
  return 0;
}

void EventModel::notify(Domain& domain, uint32_t port) {
  const auto found = domain.ports.find(port);
  Vcpu& vcpu = domain.vcpus[found == domain.ports.end() ? 0 : found->second.vcpu];
  const uint64_t bit = uint64_t{1} << port / kPortsPerSelectorBit;
  if ((vcpu.selector & bit) != 0) return;
  vcpu.selector |= bit;
  vcpu.upcall_pending = true;
}

void EventModel::set_pending(uint16_t dom, uint32_t port) {
  Domain& target = domain(dom);
  if (!target.pending.insert(port).second) return;
  if (!target.masked.contains(port)) notify(target, port);
}

int64_t EventModel::unmask(uint16_t caller, uint32_t port) {
  Domain& local = domain(caller);
  if (port >= local.ports_max) return -XEN_EINVAL;
  if (find(caller, port) == nullptr) return 0;  // a free port: no effect
  if (local.masked.erase(port) != 0 && local.pending.contains(port)) notify(local, port);
  return 0;
}

int64_t EventModel::reset(uint16_t caller, uint16_t dom) {
  if (const int64_t error = resolve(caller, dom)) return error;
  while (!domain(dom).ports.empty()) release(dom, domain(dom).ports.begin()->first);
  return 0;
}

int64_t EventModel::status(uint16_t caller, uint16_t dom, uint32_t port) const {
  if (dom == DOMID_SELF) dom = caller;
  if (!domains_.contains(dom)) return -XEN_ESRCH;
  if (port >= domain(dom).ports_max) return -XEN_EINVAL;
  return dom == caller ? 0 : -XEN_EPERM;
}

}  // namespace assay::model
