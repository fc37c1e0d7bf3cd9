// Races of event channels: two guests, or two vCPUs of one, inside the hypervisor at once.
#include "fuzz/sequence/events_play.hpp"
#include "fuzz/sequence/race.hpp"

namespace assay::fuzz {
namespace {

using model::EventModel;
using Racer = RaceTrack::Racer;

constexpr std::string_view kPeer = "c.peer()";

/// One of two operations at once: those that answer by their result alone.
struct Contender {
  Racer by;
  EventsPlay::Kind kind;
  uint32_t port;
  uint32_t vcpu;
};

enum Kind : uint8_t { kRace = EventsPlay::kOperations.size(), kRewrite };

constexpr auto kOperations = [] {
  std::array<OperationKind, EventsPlay::kOperations.size() + 2> all{};
  std::ranges::copy(EventsPlay::kOperations, all.begin());
  // Races close ports, too: more are made, so that there are some.
  all[EventsPlay::kAllocUnbound].weight = 24;
  all[EventsPlay::kBindInterdomain].weight = 30;
  all[kRace] = {"race", 60, 3};
  all[kRewrite] = {"rewrite", 30, 3};
  return all;
}();

class RacesPlay final : public EventsPlay {
 public:
  RacesPlay(CaseContext& context, Journal& journal)
      : EventsPlay(context, journal, RaceTrack::kVcpus), track_(context, context.guest(), context.peer(), kPeer) {}

  void step(Operation& operation) override {
    actor_ = operation.actor;
    if (operation.kind == kRace) return race(operation.arg);
    if (operation.kind == kRewrite) return rewrite(operation.arg);
    EventsPlay::step(operation);
  }

  [[nodiscard]] std::unique_ptr<Play> clone() const override { return std::make_unique<RacesPlay>(*this); }

 private:
  // Two operations at once, by two guests or by two vCPUs of one.
  void race(std::array<uint16_t, 3>& arg) {
    const size_t other = arg[2] / kInterleavings % 2 != 0 ? actor_ : 1 - actor_;
    const Contender first = contender_of({actor_, 0}, arg[0]);
    meet(first, other, arg[1]);
    const Contender second = contender_of({other, other == actor_ ? 1u : 0u}, arg[1]);
    const auto outcomes = both_orders(
        model_, [&](EventModel& model) { return apply(model, first); },
        [&](EventModel& model) { return apply(model, second); });
    put(first);
    put(second);
    settle_race(outcomes, track_.race(journal_, interleaving_of(arg[2]), call_of(first), call_of(second)), first,
                second);
  }
  /// What a guest changes in an argument while the hypercall is under way counts from one moment on, for all of it.
  void rewrite(std::array<uint16_t, 3>& arg) {
    const Contender given = contender_of({actor_, 0}, arg[0]);
    Contender changed = contender_of({actor_, 1}, arg[1]);
    changed.kind = given.kind;
    const auto outcomes = either_argument(
        model_, [&](EventModel& model) { return apply(model, given); },
        [&](EventModel& model) { return apply(model, changed); });
    put(given);
    const auto expressions = [&] {
      return fmt::format("{}, {}", RaceTrack::argument_name(given.by), argument_text(changed));
    };
    const RaceResults actual = track_.race_with_write(journal_, interleaving_of(arg[2]), call_of(given), changed.by,
                                                      track_.argument(given.by), argument_of(changed), expressions);
    settle_race(outcomes, actual, given, changed);
  }
  void settle_race(const RaceOutcomes<EventModel>& outcomes, const RaceResults& actual, const Contender& first,
                   const Contender& second) {
    const auto shown = [&](const EventModel& model) { return shows(model, first, second); };
    if (!settle(journal_, model_, outcomes, actual, shown)) compare_all();
  }

  /// Half of the second ones are about the first one's port, or the other end of its channel.
  void meet(const Contender& first, size_t other, uint16_t& choice) {
    constexpr uint16_t kMeets = 0x400, kOfPort = 0x800;
    const auto& ports = model_.domain(id()).ports;
    const auto found = ports.find(first.port);
    if (choice >= kLiteral || (choice & kMeets) == 0 || found == ports.end()) return;
    const bool is_same = other == actor_;
    const bool is_end = found->second.kind == Port::Kind::kInterdomain && found->second.remote == guests_[other].id;
    if (!is_same && !is_end) return;
    const uint32_t port = is_same ? first.port : found->second.remote_port;
    choice = literal(uint32_t{choice} - choice % kOfPort + port);
  }
  /// Bits 0..10 choose the port, 11 the vCPU that it names, 12 to 14 what is done: seldom a close, or no ports were
  /// left.
  Contender contender_of(const Racer& by, uint16_t& choice) {
    constexpr std::array<EventsPlay::Kind, 8> kContenders{kSend,   kSend,     kClose,    kUnmask,
                                                          kUnmask, kBindVcpu, kBindVcpu, kBindVcpu};
    constexpr uint16_t kOfPort = 0x7ff;
    uint16_t of_port = choice & (kOfPort | kLiteral);
    const uint32_t port = port_of(guests_[by.domain].id, of_port);
    choice = static_cast<uint16_t>((choice & ~kOfPort) | of_port);
    return {by, kContenders[choice >> 12 & 7], port, choice >> 11 & 1u};
  }
  int64_t apply(EventModel& model, const Contender& does) const {
    const uint16_t domain = guests_[does.by.domain].id;
    switch (does.kind) {
      case kSend:
        return model.send(domain, does.port);
      case kClose:
        return model.close(domain, does.port);
      case kUnmask:
        return model.unmask(domain, does.port);
      default:
        return model.bind_vcpu(domain, does.port, does.vcpu);
    }
  }
  static uint64_t command_of(const Contender& does) {
    switch (does.kind) {
      case kSend:
        return EVTCHNOP_send;
      case kClose:
        return EVTCHNOP_close;
      case kUnmask:
        return EVTCHNOP_unmask;
      default:
        return EVTCHNOP_bind_vcpu;
    }
  }
  static RaceTrack::Call call_of(const Contender& does) {
    return {does.by, __HYPERVISOR_event_channel_op, command_of(does)};
  }
  /// The port comes first in the arguments of all of them.
  static evtchn_bind_vcpu_t argument_of(const Contender& does) { return {.port = does.port, .vcpu = does.vcpu}; }
  static std::string argument_text(const Contender& does) {
    return fmt::format("evtchn_bind_vcpu_t{{.port = {}u, .vcpu = {}u}}", does.port, does.vcpu);
  }
  void put(const Contender& does) const {
    track_.put(journal_, does.by, argument_of(does), [&] { return argument_text(does); });
  }
  /// Whether the port is what the model says, and notifies whom it says.
  [[nodiscard]] bool shows_port(const EventModel& model, const Contender& does) {
    Guest& guest = guests_[does.by.domain];
    const auto& ports = model.domain(guest.id).ports;
    const auto found = ports.find(does.port);
    const evtchn_status_t status = guest.events.status(EvtchnPort{does.port}).arg;
    if (found == ports.end()) return does.port > kPortsMax || status.status == EVTCHNSTAT_closed;
    return status.status == kind_number(found->second.kind) && status.vcpu == found->second.vcpu;
  }
  [[nodiscard]] bool shows(const EventModel& model, const Contender& first, const Contender& second) {
    if (!shows_port(model, first) || !shows_port(model, second)) return false;
    for (Guest& guest : guests_) {
      const auto& domain = model.domain(guest.id);
      for (uint32_t port = 0; port <= kPortsMax; ++port) {
        const EvtchnPort bit{port};
        if (guest.bits.pending(bit) != domain.pending.contains(port)) return false;
        if (guest.bits.masked(bit) != domain.masked.contains(port)) return false;
      }
      for (uint32_t vcpu = 0; vcpu < EventsPlay::kVcpus; ++vcpu) {
        const vcpu_info_t info = guest.bits.of_vcpu(vcpu);
        if (info.evtchn_pending_sel != domain.vcpus[vcpu].selector) return false;
        if ((info.evtchn_upcall_pending != 0) != domain.vcpus[vcpu].upcall_pending) return false;
      }
    }
    return true;
  }

  RaceTrack track_;
};

}  // namespace

const Family& races_family() {
  static const Family family{
      .name = "races",
      .kinds = kOperations,
      .actors = EventsPlay::kGuests,
      .spec = {.slug = "property.races",
               .rule = "Two operations on event channels at once come out as in one of the two orders.",
               .source = "public/event_channel.h",
               .needs = {Capability::kTwoGuests, Capability::kSteer},
               .vcpus = RaceTrack::kVcpus,
               .vcpus_online = RaceTrack::kVcpus,
               .max_evtchn_port = EventsPlay::kPortsMax},
      .includes = {"conformance/guest/event_channels.hpp", "conformance/guest/shared_info.hpp",
                   "conformance/guest/vcpu_ops.hpp"},
      .prologue = EventsPlay::prologue() +
                  "c.guest().vcpu(1).set_upcalls(false);\n"
                  "c.peer().vcpu(1).set_upcalls(false);\n" +
                  RaceTrack::prologue(kPeer),
      .begin = begin_play<RacesPlay>};
  return family;
}

}  // namespace assay::fuzz
