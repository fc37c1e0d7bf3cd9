#include "sim/hosts/move.hpp"

#include <optional>
#include <utility>

#include "sim/abi/describe.hpp"
#include "sim/hosts/host_death.hpp"
#include "sim/hosts/oracles.hpp"
#include "sim/toolstack/call_fault.hpp"
#include "sim/toolstack/migration/moved_guest.hpp"
#include "sim/toolstack/migration/stream_error.hpp"
#include "sim/toolstack/migration/stream_pipe.hpp"

namespace assay::hosts {

namespace {

using toolstack::CallFault;
using Where = FaultPoint::Where;

/// What the target takes of the stream at once.
constexpr size_t kOfferedBytesMax = 2 << 20;

/// What becomes of the hypercalls of a host's privileged domain, for as long as it lives: they are counted, and one
/// fails or the host dies at one.
class CallWatch {
 public:
  CallWatch(SimulatedHost& host, const FaultPoint& point, Where fails, Where dies) : host_(host) {
    if (point.where == dies) {
      death_ = std::make_shared<HostDeath>(point.at);
      host_.target().dom0().observe(death_);
      return;
    }
    fault_ = std::make_shared<CallFault>();
    fault_->arm(point.where == fails ? point.at : CallFault::kNone, point.error);
    host_.target().dom0().observe(fault_);
  }
  ~CallWatch() { host_.target().dom0().observe(nullptr); }
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;
  [[nodiscard]] uint64_t calls() const { return death_ ? death_->calls() : fault_->calls(); }
  [[nodiscard]] bool has_struck() const { return death_ ? death_->has_struck() : fault_->has_struck(); }
  [[nodiscard]] bool has_died() const { return death_ && death_->has_struck(); }
  /// The number of the hypercall that failed, or at which the host died.
  [[nodiscard]] std::optional<uint64_t> struck() const { return death_ ? death_->struck() : fault_->struck(); }

 private:
  SimulatedHost& host_;
  std::shared_ptr<CallFault> fault_;
  std::shared_ptr<HostDeath> death_;
};

/// What goes wrong in `work` and nobody there can go on after does so on this host.
template <typename Work>
auto on(const SimulatedHost& host, Work work) {
  const auto blamed = [&](const std::exception& error) { return "host " + host.name() + ": " + error.what(); };
  try {
    return work();
  } catch (const TargetDied& died) {
    throw TargetDied(died.how(), blamed(died));
  } catch (const ToolstackError& error) {
    throw ToolstackError(blamed(error));
  }
}

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
        link_(options_.link, far_end_, [this](uint64_t ns) { pass_time(ns); }) {
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
    busy_.begin_move();
    transfer();
    hosts_.meet();
    settle();
    hosts_.meet();
    report_.target_died = scene_.target_died;
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
  /// What the toolstack of a host says.
  void fail(const SimulatedHost& host, const std::string& what) {
    if (report_.error.empty()) report_.error = "host " + host.name() + ": " + what;
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

  /// The target's end of the link: both clocks stand alike when something passes.
  class FarEnd final : public migration::ByteSink {
   public:
    explicit FarEnd(Move& move) : move_(move) {}
    void connect(migration::ByteSink& target) { target_ = &target; }
    void write(std::span<const std::byte> bytes) override {
      move_.hosts_.meet();
      move_.arrive(bytes);
      target_->write(bytes);
    }

   private:
    Move& move_;
    migration::ByteSink* target_ = nullptr;
  };

  void arrive(std::span<const std::byte> bytes) {
    if (timeline().restoring_ns == 0) {
      timeline().restoring_ns = target_.now_ns();
      note(target_, "begins to restore");
    }
    if (options_.has_oracles) hosts_.passed().insert(hosts_.passed().end(), bytes.begin(), bytes.end());
  }

  /// The target restores while the source sends, in turns.
  void transfer() {
    const CallWatch source(source_, options_.fault, Where::kSourceCall, Where::kSourceDies);
    const CallWatch target(target_, options_.fault, Where::kTargetCall, Where::kTargetDies);
    hosts_.passed().clear();
    migration::StreamPipe pipe(kOfferedBytesMax, [this](migration::ByteSink& end) { send(end); });
    on(target_, [&] { restore(pipe); });
    // The target has all of it, or has given up: then the source is stopped where it is.
    pipe.close();
    if (timeline().sent_ns == 0) timeline().sent_ns = source_.now_ns();
    scene_.source_died |= source.has_died();
    scene_.target_died |= target.has_died();
    note_met(source);
    note_met(target);
    report_.source_calls = source.calls();
    report_.target_calls = target.calls();
    report_.sent_bytes = link_.sent_bytes();
    report_.parts = link_.parts();
    report_.largest_part = link_.largest_part();
    report_.has_struck = source.has_struck() || target.has_struck() || link_.has_struck();
    report_.has_struck |= is_short_of_room() && !restored_;
  }

  void send(migration::ByteSink& target) {
    far_end_.connect(target);
    on(source_, [&] { save(); });
    link_.close();
    hosts_.meet();
    target_.target().pass_time(options_.link.latency_ns);
  }

  void save() {
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
  }

  void note_met(const CallWatch& watch) {
    if (const auto call = watch.struck()) {
      report_.met = "hypercall " + std::string(hypercall_name(*call).value_or("without a name"));
    }
    if (!link_.met().empty()) report_.met = link_.met();
    if (is_short_of_room()) report_.met = "room";
  }

  /// Whatever arrives is tried: that it is not all of it is for the restorer to find.
  void restore(migration::ByteSource& source) {
    try {
      restored_ = target_.toolstack().restore(busy_.load().guest, source, limits());
      timeline().restored_ns = target_.now_ns();
      note(target_, "has restored all");
    } catch (const migration::StreamError& error) {
      fail(target_, error.what());
    } catch (const ToolstackError& error) {
      fail(target_, error.what());
    }
  }

  [[nodiscard]] bool is_short_of_room() const {
    const Where where = options_.fault.where;
    return where == Where::kTargetRoom || where == Where::kTargetMemory || where == Where::kTargetPool;
  }
  [[nodiscard]] migration::RestoreLimits limits() const {
    constexpr uint64_t kKiB = 1024;
    migration::RestoreLimits limits;
    if (options_.fault.where == Where::kTargetMemory) limits.pages = options_.fault.at;
    if (options_.fault.where == Where::kTargetPool) limits.pool_bytes = options_.fault.at * kKiB;
    return limits;
  }

  /// A host dies behind all hypercalls of its part, before (0) or after (1) the source has destroyed the domain.
  void die_late(uint64_t step) {
    const auto dies = [&](Where where, uint64_t calls) {
      return options_.fault.where == where && options_.fault.at == calls + step;
    };
    const bool source = dies(Where::kSourceDies, report_.source_calls);
    const bool target = dies(Where::kTargetDies, report_.target_calls);
    if (source) scene_.source_died = true;
    if (target) scene_.target_died = true;
    if (source || target) {
      report_.has_struck = true;
      report_.met = "decision";
    }
    if (scene_.source_died) fail(source_, "the host died");
    if (scene_.target_died) fail(target_, "the host died");
  }

  /// The one moment of decision: the target has the domain when it has restored all of it, as it was sent.
  void settle() {
    if (restored_ && is_saved_ && !link_.arrived_as_sent()) fail(target_, "what arrived is not what was sent");
    die_late(0);
    const bool is_whole = restored_ && is_saved_ && link_.arrived_as_sent();
    if (is_whole && !scene_.source_died && !scene_.target_died) return hand_over();
    discard_restored();
    if (scene_.source_died) {
      report_.end = MoveEnd::kLost;
      return;
    }
    report_.end = MoveEnd::kStayed;
    for (const std::string& said : on(source_, [&] { return busy_.go_on(); })) {
      add("guest", "on host " + source_.name() + ": " + said);
    }
    timeline().resumed_ns = source_.now_ns();
    note(source_, "the domain goes on");
  }

  /// A target that is not told to run it never does: it cannot know what became of the source.
  void discard_restored() {
    if (restored_ && !scene_.target_died) target_.toolstack().destroy(restored_->id);
  }

  void leave_source() {
    source_.toolstack().destroy(scene_.was);
    for (const std::string& said : busy_.bury()) add("traffic", "on host " + source_.name() + ": " + said);
    source_.target().destroy_guest(busy_.domain());
  }

  void hand_over() {
    scene_.arrived = &*restored_;
    scene_.stream = hosts_.passed();
    for (const auto& oracle : oracles_) add(oracle->name(), oracle->at_arrival(scene_));
    const BuiltGuest built =
        migration::moved_guest(target_.toolstack().tools(), *restored_, busy_.domain().space(), vcpus());
    const auto luggage = busy_.luggage();
    on(source_, [&] { leave_source(); });
    note(source_, "the domain is destroyed");
    die_late(1);
    if (scene_.source_died || scene_.target_died) {
      discard_restored();
      report_.end = MoveEnd::kLost;
      return;
    }
    report_.end = MoveEnd::kArrived;
    on(target_, [&] {
      target_.toolstack().start(restored_->id);
      for (const std::string& said : busy_.arrive(to_, built, *luggage)) {
        add("guest", "on host " + target_.name() + ": " + said);
      }
    });
    timeline().resumed_ns = target_.now_ns();
    note(target_, "the domain runs");
  }
  /// The others are down, and the new domain does not know them.
  [[nodiscard]] uint32_t vcpus() const { return busy_.load().vcpus; }

  SimulatedHosts& hosts_;
  BusyDomain& busy_;
  size_t to_;
  MoveOptions options_;
  SimulatedHost& source_;
  SimulatedHost& target_;
  MoveReport report_;
  MoveScene scene_;
  FarEnd far_end_{*this};
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
