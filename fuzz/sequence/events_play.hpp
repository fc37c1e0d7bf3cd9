/// Event channels of two guests, 2-level ABI: what one guest does after the other, and what is compared.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/model/event_model.hpp"
#include "fuzz/sequence/families.hpp"

namespace assay::fuzz {

class EventsPlay : public Play {
 public:
  static constexpr uint32_t kPortsMax = 40;  ///< of a guest, so that they run out
  static constexpr uint32_t kVcpus = 2;
  static constexpr size_t kGuests = 2;

  enum Kind : uint8_t {
    kAllocUnbound,
    kBindInterdomain,
    kBindVirq,
    kBindIpi,
    kClose,
    kSend,
    kBindVcpu,
    kUnmask,
    kStatus,
    kReset,
    kSetMask,
    kClearMask,
    kClearPending,
    kTakeSelector,
    kClearUpcall
  };
  static constexpr std::array<OperationKind, 15> kOperations{{{"alloc_unbound", 8, 2},
                                                              {"bind_interdomain", 12, 2},
                                                              {"bind_virq", 4, 2},
                                                              {"bind_ipi", 4, 1},
                                                              {"close", 8, 1},
                                                              {"send", 20, 1},
                                                              {"bind_vcpu", 5, 2},
                                                              {"unmask", 8, 1},
                                                              {"status", 4, 2},
                                                              {"reset", 1, 1},
                                                              {"set_mask", 6, 1},
                                                              {"clear_mask", 4, 1},
                                                              {"clear_pending", 8, 1},
                                                              {"take_selector", 5, 1},
                                                              {"clear_upcall", 4, 1}}};

  /// What a generated case begins with.
  static std::string prologue();

  /// `online`: vCPUs of each guest that run.
  EventsPlay(CaseContext& context, Journal& journal, uint32_t online) : journal_(journal) {
    for (Domain* const domain : {&context.guest(), &context.peer()}) {
      guests_.push_back(
          {domain->id().raw(), &domain->vcpu(0), EventChannels(domain->vcpu(0)), SharedInfo(domain->vcpu(0))});
      for (uint32_t i = 0; i < online; ++i) quieten(domain->vcpu(i));
      model_.add_domain(domain->id().raw(), kVcpus, kPortsMax + 1);
    }
    model_.add_domain(0, 1, EventModel::kPortsMax);  // of which guests know that it exists
    for (Guest& guest : guests_) learn(guest);
  }

  void step(Operation& operation) override {
    actor_ = operation.actor;
    auto& arg = operation.arg;
    switch (static_cast<Kind>(operation.kind)) {
      case kAllocUnbound:
        return alloc_unbound(domain_of(arg[0]), domain_of(arg[1]));
      case kBindInterdomain:
        return bind_interdomain(domain_of(arg[0]), arg[1]);
      case kBindVirq:
        return bind_virq(arg[0] % (EventModel::kVirqs + 2), vcpu_of(arg[1]));
      case kBindIpi:
        return bind_ipi(vcpu_of(arg[0]));
      case kClose:
        return close(port_of(id(), arg[0]));
      case kSend:
        return send(port_of(id(), arg[0]));
      case kBindVcpu:
        return bind_vcpu(port_of(id(), arg[0]), vcpu_of(arg[1]));
      case kUnmask:
        return unmask(port_of(id(), arg[0]));
      case kStatus:
        return status(domain_of(arg[0]), arg[1]);
      case kReset:
        return reset(domain_of(arg[0]));
      default:
        return step_in_memory(static_cast<Kind>(operation.kind), arg[0]);
    }
  }

  [[nodiscard]] std::unique_ptr<Play> clone() const override { return std::make_unique<EventsPlay>(*this); }

  void compare_all() override {
    for (size_t i = 0; i < guests_.size(); ++i) {
      for (uint32_t port = 0; port <= kPortsMax; ++port) {
        compare_bits(i, port);
        compare_status(i, port);
      }
      compare_vcpus(i);
    }
  }

 protected:
  using EventModel = model::EventModel;
  using Port = model::Port;
  using PortAnswer = model::PortAnswer;

  struct Guest {
    uint16_t id;
    Vcpu* vcpu;
    EventChannels events;
    SharedInfo bits;
  };

  /// No upcall is taken, and no tick of a timer, which no model foretells, sends an event.
  static void quieten(Vcpu& vcpu) {
    vcpu.set_upcalls(false);
    for (uint32_t id = 0; id < kVcpus; ++id) VcpuOps(vcpu).stop_periodic_timer(id);
  }
  [[nodiscard]] Guest& self() { return guests_[actor_]; }
  [[nodiscard]] uint16_t id() { return self().id; }
  [[nodiscard]] size_t index_of(uint16_t id) const { return guests_[0].id == id ? 0 : 1; }

  static uint32_t kind_number(Port::Kind kind) {
    switch (kind) {
      case Port::Kind::kUnbound:
        return EVTCHNSTAT_unbound;
      case Port::Kind::kInterdomain:
        return EVTCHNSTAT_interdomain;
      case Port::Kind::kVirq:
        return EVTCHNSTAT_virq;
      case Port::Kind::kIpi:
        return EVTCHNSTAT_ipi;
    }
    return EVTCHNSTAT_closed;
  }

  /// What the toolstack has left in a new guest.
  void learn(Guest& guest) {
    auto& domain = model_.domain(guest.id);
    for (uint32_t port = 1; port <= kPortsMax; ++port) {
      const evtchn_status_t status = guest.events.status(EvtchnPort{port}).arg;
      if (status.status == EVTCHNSTAT_unbound) {
        domain.ports[port] = {.remote = status.u.unbound.dom, .vcpu = status.vcpu};
      } else if (status.status == EVTCHNSTAT_interdomain) {
        domain.ports[port] = {.kind = Port::Kind::kInterdomain,
                              .remote = status.u.interdomain.dom,
                              .remote_port = status.u.interdomain.port,
                              .vcpu = status.vcpu};
      } else if (status.status == EVTCHNSTAT_virq) {
        domain.ports[port] = {.kind = Port::Kind::kVirq, .virq = status.u.virq, .vcpu = status.vcpu};
      } else if (status.status == EVTCHNSTAT_ipi) {
        domain.ports[port] = {.kind = Port::Kind::kIpi, .vcpu = status.vcpu};
      }
    }
    for (uint32_t port = 0; port <= kPortsMax; ++port) {
      if (guest.bits.pending(EvtchnPort{port})) domain.pending.insert(port);
      if (guest.bits.masked(EvtchnPort{port})) domain.masked.insert(port);
    }
    for (uint32_t vcpu = 0; vcpu < kVcpus; ++vcpu) {
      domain.vcpus[vcpu] = {guest.bits.selector(vcpu), guest.bits.upcall_pending(vcpu) != 0};
    }
  }

  uint16_t domain_of(uint16_t choice) {
    const std::array<uint16_t, 8> choices{guests_[1 - actor_].id,
                                          DOMID_SELF,
                                          guests_[1 - actor_].id,
                                          id(),
                                          guests_[1 - actor_].id,
                                          DOMID_SELF,
                                          0x7a00,
                                          0};
    return choices[choice % choices.size()];
  }
  static uint32_t vcpu_of(uint16_t choice) {
    constexpr std::array<uint32_t, 8> kChoices{0, 1, 0, 1, 0, 1, kVcpus, UINT32_MAX};
    return kChoices[choice % kChoices.size()];
  }
  /// A port that `domain` has, for most choices; a literal is its number, or beyond those, one that never is one.
  uint32_t port_of(uint16_t domain, uint16_t& choice) {
    constexpr std::array<uint32_t, 4> kNever{0, 4096, UINT32_MAX, 0x10000};
    constexpr uint16_t kSeldom = 16;
    if (choice < kLiteral) {
      const auto& ports = model_.domain(domain).ports;
      const bool is_never = ports.empty() || choice % kSeldom == kSeldom - 1;
      choice = literal(is_never ? kPortsMax + 1 + choice / kSeldom % kNever.size()
                                : std::next(ports.begin(), static_cast<ptrdiff_t>(choice % ports.size()))->first);
    }
    const uint32_t number = choice % kLiteral % (kPortsMax + 1 + kNever.size());
    return number <= kPortsMax ? number : kNever[number - kPortsMax - 1];
  }

  // How a generated case writes it.
  [[nodiscard]] std::string name_of(uint16_t dom) const {
    if (dom == guests_[0].id) return "c.guest().id()";
    if (dom == guests_[1].id) return "c.peer().id()";
    return dom == DOMID_SELF ? "kDomSelf" : fmt::format("DomId{{{}}}", dom);
  }
  [[nodiscard]] std::string events_of(size_t guest) const { return guest == 0 ? "ours" : "theirs"; }
  [[nodiscard]] std::string bits_of(size_t guest) const { return guest == 0 ? "our_bits" : "their_bits"; }

  void answered(int64_t actual, int64_t expected, const std::string& call) {
    journal_.answered(actual, expected, [&] { return events_of(actor_) + "." + call; });
  }
  /// An operation that gives a port.
  template <typename Make>
  void got_port(const PortResult& actual, const PortAnswer& expected, Make call) {
    const uint64_t n = journal_.steps();
    journal_.did([&] { return fmt::format("const PortResult made{} = {}.{};", n, events_of(actor_), call()); });
    journal_.answered(actual.result, expected.result, [&] { return fmt::format("made{}.result", n); });
    if (expected.result != 0) return;
    journal_.answered(actual.port.raw(), expected.port, [&] { return fmt::format("made{}.port.raw()", n); });
    compare_bits(actor_, expected.port);
    compare_vcpus(actor_);
  }
  template <typename Make>
  void got_result(int64_t actual, int64_t expected, Make call) {
    journal_.answered(actual, expected, [&] { return fmt::format("{}.{}", events_of(actor_), call()); });
  }

  void alloc_unbound(uint16_t dom, uint16_t remote) {
    const PortAnswer expected = model_.alloc_unbound(id(), dom, remote);
    got_port(self().events.alloc_unbound(DomId{remote}, DomId{dom}), expected,
             [&] { return fmt::format("alloc_unbound({}, {})", name_of(remote), name_of(dom)); });
  }
  void bind_interdomain(uint16_t remote, uint16_t& choice) {
    const uint16_t owner = remote == DOMID_SELF ? id() : remote;
    const bool is_ours = owner == guests_[0].id || owner == guests_[1].id;
    const uint32_t port = is_ours ? offer_of(owner, choice) : 1;
    const PortAnswer expected = model_.bind_interdomain(id(), remote, port);
    got_port(self().events.bind_interdomain(DomId{remote}, EvtchnPort{port}), expected,
             [&] { return fmt::format("bind_interdomain({}, EvtchnPort{{{}}})", name_of(remote), port); });
    if (expected.result == 0) compare_status(index_of(owner), port);
  }
  /// A port of `owner` that the caller may bind, if there is one, for most choices.
  uint32_t offer_of(uint16_t owner, uint16_t& choice) {
    std::vector<uint32_t> offers;
    for (const auto& [port, what] : model_.domain(owner).ports) {
      if (what.kind == Port::Kind::kUnbound && what.remote == id()) offers.push_back(port);
    }
    constexpr uint16_t kSometimes = 5;
    if (choice < kLiteral && !offers.empty() && choice % kSometimes != kSometimes - 1) {
      choice = literal(offers[choice % offers.size()]);
    }
    return port_of(owner, choice);
  }
  void bind_virq(uint32_t virq, uint32_t vcpu) {
    const PortAnswer expected = model_.bind_virq(id(), virq, vcpu);
    got_port(self().events.bind_virq(virq, vcpu), expected,
             [&] { return fmt::format("bind_virq({}, {})", virq, vcpu); });
  }
  void bind_ipi(uint32_t vcpu) {
    const PortAnswer expected = model_.bind_ipi(id(), vcpu);
    got_port(self().events.bind_ipi(vcpu), expected, [&] { return fmt::format("bind_ipi({})", vcpu); });
  }
  void close(uint32_t port) {
    const auto& ports = model_.domain(id()).ports;
    const Port before = ports.contains(port) ? ports.at(port) : Port{};
    got_result(self().events.close(EvtchnPort{port}), model_.close(id(), port),
               [&] { return fmt::format("close(EvtchnPort{{{}}})", port); });
    compare_bits(actor_, port);
    if (before.kind == Port::Kind::kInterdomain && before.remote != 0) {
      compare_status(index_of(before.remote), before.remote_port);
    }
  }
  void send(uint32_t port) {
    const auto& ports = model_.domain(id()).ports;
    const Port to = ports.contains(port) ? ports.at(port) : Port{};
    got_result(self().events.send(EvtchnPort{port}), model_.send(id(), port),
               [&] { return fmt::format("send(EvtchnPort{{{}}})", port); });
    const bool crosses = to.kind == Port::Kind::kInterdomain && to.remote != 0;
    const size_t receiver = crosses ? index_of(to.remote) : actor_;
    compare_bits(receiver, crosses ? to.remote_port : port);
    compare_vcpus(receiver);
  }
  void bind_vcpu(uint32_t port, uint32_t vcpu) {
    got_result(self().events.bind_vcpu(EvtchnPort{port}, vcpu), model_.bind_vcpu(id(), port, vcpu),
               [&] { return fmt::format("bind_vcpu(EvtchnPort{{{}}}, {})", port, vcpu); });
    compare_vcpus(actor_);
  }
  void unmask(uint32_t port) {
    got_result(self().events.unmask(EvtchnPort{port}), model_.unmask(id(), port),
               [&] { return fmt::format("unmask(EvtchnPort{{{}}})", port); });
    compare_bits(actor_, port);
    compare_vcpus(actor_);
  }
  void status(uint16_t dom, uint16_t& choice) {
    const uint32_t port = port_of(id(), choice);
    got_result(self().events.status(EvtchnPort{port}, DomId{dom}).result, model_.status(id(), dom, port),
               [&] { return fmt::format("status(EvtchnPort{{{}}}, {}).result", port, name_of(dom)); });
    if (port <= kPortsMax) compare_status(actor_, port);
  }
  void reset(uint16_t dom) {
    got_result(self().events.reset(DomId{dom}), model_.reset(id(), dom),
               [&] { return fmt::format("reset({})", name_of(dom)); });
    compare_all();
  }

  void step_in_memory(Kind kind, uint16_t& choice) {
    if (kind == kTakeSelector || kind == kClearUpcall) return change_vcpu(kind, choice % kVcpus);
    auto& domain = model_.domain(id());
    const uint32_t port = port_of(id(), choice) % (kPortsMax + 1);
    const EvtchnPort bit{port};
    const auto call = [&](std::string_view what) { return fmt::format("{}.{}", bits_of(actor_), what); };
    const auto of_port = [&](std::string_view what) { return call(fmt::format("{}(EvtchnPort{{{}}})", what, port)); };
    if (kind == kSetMask) {
      journal_.answered(self().bits.mask(bit), !domain.masked.insert(port).second, [&] { return of_port("mask"); });
    } else if (kind == kClearMask) {
      journal_.answered(self().bits.unmask(bit), domain.masked.erase(port) != 0, [&] { return of_port("unmask"); });
    } else {
      journal_.answered(self().bits.clear_pending(bit), domain.pending.erase(port) != 0,
                        [&] { return of_port("clear_pending"); });
    }
  }
  void change_vcpu(Kind kind, uint32_t vcpu) {
    auto& state = model_.domain(id()).vcpus[vcpu];
    if (kind == kTakeSelector) {
      journal_.answered(self().bits.take_selector(vcpu), std::exchange(state.selector, 0),
                        [&] { return fmt::format("{}.take_selector({})", bits_of(actor_), vcpu); });
    } else {
      journal_.answered(self().bits.set_upcall_pending(vcpu, 0), std::exchange(state.upcall_pending, false),
                        [&] { return fmt::format("{}.set_upcall_pending({}, 0)", bits_of(actor_), vcpu); });
    }
  }

  void compare_bits(size_t guest, uint32_t port) {
    if (port > kPortsMax) return;
    const auto& domain = model_.domain(guests_[guest].id);
    const EvtchnPort bit{port};
    journal_.seen(guests_[guest].bits.pending(bit), domain.pending.contains(port),
                  [&] { return fmt::format("{}.pending(EvtchnPort{{{}}})", bits_of(guest), port); });
    journal_.seen(guests_[guest].bits.masked(bit), domain.masked.contains(port),
                  [&] { return fmt::format("{}.masked(EvtchnPort{{{}}})", bits_of(guest), port); });
  }
  void compare_vcpus(size_t guest) {
    const auto& domain = model_.domain(guests_[guest].id);
    for (uint32_t vcpu = 0; vcpu < kVcpus; ++vcpu) {
      const vcpu_info_t info = guests_[guest].bits.of_vcpu(vcpu);
      journal_.seen(info.evtchn_pending_sel, domain.vcpus[vcpu].selector,
                    [&] { return fmt::format("{}.selector({})", bits_of(guest), vcpu); });
      journal_.seen(info.evtchn_upcall_pending, domain.vcpus[vcpu].upcall_pending,
                    [&] { return fmt::format("{}.upcall_pending({})", bits_of(guest), vcpu); });
    }
  }
  void compare_status(size_t guest, uint32_t port) {
    const auto& ports = model_.domain(guests_[guest].id).ports;
    const auto found = ports.find(port);
    const auto actual = guests_[guest].events.status(EvtchnPort{port});
    const auto field = [&](std::string_view name) {
      return fmt::format("{}.status(EvtchnPort{{{}}}).{}", events_of(guest), port, name);
    };
    journal_.seen(actual.result, 0, [&] { return field("result"); });
    const bool is_free = found == ports.end();
    const uint32_t kind = is_free ? EVTCHNSTAT_closed : kind_number(found->second.kind);
    journal_.seen(actual.arg.status, kind, [&] { return field("arg.status"); });
    if (is_free || actual.arg.status != kind) return;
    journal_.seen(actual.arg.vcpu, found->second.vcpu, [&] { return field("arg.vcpu"); });
    compare_binding(actual.arg, found->second, field);
  }
  template <typename Field>
  void compare_binding(const evtchn_status_t& actual, const Port& expected, Field field) {
    if (expected.kind == Port::Kind::kUnbound) {
      compare_domain(actual.u.unbound.dom, expected.remote, [&] { return field("arg.u.unbound.dom"); });
    } else if (expected.kind == Port::Kind::kInterdomain) {
      compare_domain(actual.u.interdomain.dom, expected.remote, [&] { return field("arg.u.interdomain.dom"); });
      journal_.seen(actual.u.interdomain.port, expected.remote_port, [&] { return field("arg.u.interdomain.port"); });
    } else if (expected.kind == Port::Kind::kVirq) {
      journal_.seen(actual.u.virq, expected.virq, [&] { return field("arg.u.virq"); });
    }
  }

  template <typename Make>
  void compare_domain(uint16_t actual, uint16_t expected, Make expression) {
    const uint64_t role = actual == guests_[0].id ? 1 : actual == guests_[1].id ? 2 : 3;
    journal_.seen_as(role, actual == expected, name_of(expected) + ".raw()", name_of(actual), expression);
  }

  Journal& journal_;
  EventModel model_;
  std::vector<Guest> guests_;
  size_t actor_ = 0;
};

}  // namespace assay::fuzz
