#include "sim/hosts/move.hpp"

#include <algorithm>

#include "sim/abi/describe.hpp"
#include "sim/hosts/oracles.hpp"
#include "sim/toolstack/call_fault.hpp"
#include "sim/toolstack/migration/moved_guest.hpp"
#include "sim/toolstack/migration/stream_error.hpp"

namespace assay::hosts {

namespace {

using toolstack::CallFault;
using Where = FaultPoint::Where;

/// One hypercall of a host's privileged domain fails, or none, for as long as it lives.
class CallWatch {
 public:
  CallWatch(SimulatedHost& host, bool is_here, uint64_t call) : host_(host) {
    fault_->arm(is_here ? call : CallFault::kNone);
    host_.target().dom0().observe(fault_);
  }
  ~CallWatch() { host_.target().dom0().observe(nullptr); }
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;
  [[nodiscard]] const CallFault& fault() const { return *fault_; }

 private:
  SimulatedHost& host_;
  std::shared_ptr<CallFault> fault_ = std::make_shared<CallFault>();
};

class Move {
 public:
  Move(SimulatedHosts& hosts, BusyDomain& busy, size_t to, const MoveOptions& options)
      : hosts_(hosts),
        busy_(busy),
        to_(to),
        options_(with_link_fault(options, busy)),
        source_(busy.host()),
        target_(hosts.host(to)),
        scene_{hosts_, source_, target_, busy_, options_, report_, busy.domain().id()},
        link_(options_.link, hosts.wire(), [this](uint64_t ns) { pass_time(ns); }) {
    if (options_.has_oracles) oracles_ = move_oracles();
    timeline().source = source_.name();
    timeline().target = target_.name();
    options_.rounds.on_round = [this](const migration::Round& round) {
      timeline().rounds.push_back({source_.now_ns(), round.dirty, round.sent, link_.sent_bytes()});
    };
  }

  MoveReport run() {
    for (const auto& oracle : oracles_) oracle->before(scene_);
    if (options_.fault.where == Where::kTargetRoom) target_.leave_room(options_.fault.at);
    hosts_.meet();
    timeline().began_ns = hosts_.now_ns();
    note(source_, "begins to send");
    save();
    link_.close();
    hosts_.meet();
    target_.target().pass_time(options_.link.latency_ns);
    restore();
    hosts_.meet();
    settle();
    hosts_.meet();
    target_.make_room();
    for (const auto& oracle : oracles_) add(oracle->name(), oracle->after(scene_));
    return report_;
  }

 private:
  static MoveOptions with_link_fault(MoveOptions options, const BusyDomain& busy) {
    options.link.pages = busy.load().guest.pages;
    if (options.fault.where != Where::kLink) return options;
    options.link.fault = options.fault.link;
    options.link.part = options.fault.at;
    options.link.byte = options.fault.byte;
    return options;
  }

  [[nodiscard]] MoveTimeline& timeline() { return report_.timeline; }
  void note(const SimulatedHost& host, std::string what, bool is_trouble = false) {
    timeline().events.push_back({host.now_ns(), host.name(), std::move(what), is_trouble});
  }
  /// What the link did to the stream without telling the sender.
  void note_strike() {
    if (!link_.has_struck() || is_strike_noted_) return;
    is_strike_noted_ = true;
    note(source_, "fault " + to_string(options_.fault) + ", in " + link_.met(), true);
  }
  void add(std::string_view oracle, const std::string& said) {
    if (!said.empty()) report_.wrong.push_back(std::string(oracle) + ": " + said);
  }
  void fail(const SimulatedHost& host, const std::string& what) {
    if (report_.error.empty()) report_.error = what;
    note(host, what, true);
  }

  void pass_time(uint64_t ns) {
    note_strike();
    source_.target().pass_time(ns);
    busy_.work();
  }
  void suspend() {
    busy_.suspend();
    timeline().suspended_ns = source_.now_ns();
    note(source_, "suspended");
  }

  void save() {
    const CallWatch watch(source_, options_.fault.where == Where::kSourceCall, options_.fault.at);
    try {
      if (options_.is_live) {
        report_.saved = source_.toolstack().save_live(
            scene_.was, link_, [this] { suspend(); }, options_.rounds);
      } else {
        suspend();
        report_.saved = source_.toolstack().save(scene_.was, link_, options_.rounds.on_round);
      }
      is_saved_ = true;
      note_strike();
      note(source_, "has sent all");
    } catch (const LinkError& error) {
      scene_.source_died = error.fault() == LinkFault::kSourceDied;
      fail(source_, error.what());
    } catch (const ToolstackError& error) {
      fail(source_, error.what());
    }
    timeline().sent_ns = source_.now_ns();
    note_met(watch.fault());
    report_.source_calls = watch.fault().calls();
    report_.has_struck |= watch.fault().has_struck() || link_.has_struck();
    report_.sent_bytes = link_.sent_bytes();
    report_.parts = link_.parts();
    report_.largest_part = link_.largest_part();
  }

  void note_met(const CallFault& fault) {
    if (const auto call = fault.struck()) {
      report_.met = "hypercall " + std::string(hypercall_name(*call).value_or("without a name"));
    }
    if (!link_.met().empty()) report_.met = link_.met();
    if (options_.fault.where == Where::kTargetRoom) report_.met = "room";
  }

  /// Whatever has arrived is tried: that it is not all of it is for the restorer to find.
  void restore() {
    const CallWatch watch(target_, options_.fault.where == Where::kTargetCall, options_.fault.at);
    timeline().restoring_ns = target_.now_ns();
    note(target_, "begins to restore");
    try {
      migration::MemorySource bytes(link_.arrived());
      restored_ = target_.toolstack().restore(busy_.load().guest, bytes);
      timeline().restored_ns = target_.now_ns();
      note(target_, "has restored all");
    } catch (const migration::StreamError& error) {
      fail(target_, error.what());
    } catch (const ToolstackError& error) {
      fail(target_, error.what());
    }
    note_met(watch.fault());
    report_.target_calls = watch.fault().calls();
    report_.has_struck |= watch.fault().has_struck();
    report_.has_struck |= options_.fault.where == Where::kTargetRoom && !restored_;
  }

  /// The one moment of decision: the target has the domain when it has restored all of it, as it was sent.
  void settle() {
    if (restored_ && is_saved_ && !link_.arrived_as_sent()) fail(target_, "what arrived is not what was sent");
    if (restored_ && is_saved_ && link_.arrived_as_sent()) return hand_over();
    if (restored_) target_.toolstack().destroy(restored_->id);
    if (scene_.source_died) {
      report_.end = MoveEnd::kLost;
      return;
    }
    report_.end = MoveEnd::kStayed;
    for (const std::string& said : busy_.go_on()) add("guest", said);
    timeline().resumed_ns = source_.now_ns();
    note(source_, "the domain goes on");
  }

  void hand_over() {
    scene_.arrived = &*restored_;
    for (const auto& oracle : oracles_) add(oracle->name(), oracle->at_arrival(scene_));
    const BuiltGuest built =
        migration::moved_guest(target_.toolstack().tools(), *restored_, busy_.domain().space(), vcpus());
    const auto luggage = busy_.luggage();
    source_.target().destroy_guest(busy_.domain());
    note(source_, "the domain is destroyed");
    target_.toolstack().start(restored_->id);
    report_.end = MoveEnd::kArrived;
    for (const std::string& said : busy_.arrive(to_, built, *luggage)) add("guest", said);
    timeline().resumed_ns = target_.now_ns();
    note(target_, "the domain runs");
  }
  [[nodiscard]] uint32_t vcpus() const { return busy_.load().guest.vcpus; }

  SimulatedHosts& hosts_;
  BusyDomain& busy_;
  size_t to_;
  MoveOptions options_;
  SimulatedHost& source_;
  SimulatedHost& target_;
  MoveReport report_;
  MoveScene scene_;
  Link link_;
  std::vector<std::unique_ptr<MoveOracle>> oracles_;
  bool is_saved_ = false;
  bool is_strike_noted_ = false;
  std::optional<migration::RestoredDomain> restored_;
};

}  // namespace

std::string_view to_string(MoveEnd end) {
  switch (end) {
    case MoveEnd::kArrived:
      return "arrived";
    case MoveEnd::kStayed:
      return "stayed";
    case MoveEnd::kLost:
      return "lost with its host";
  }
  return "";
}

MoveReport move(SimulatedHosts& hosts, BusyDomain& busy, size_t to, const MoveOptions& options) {
  return Move(hosts, busy, to, options).run();
}

}  // namespace assay::hosts
