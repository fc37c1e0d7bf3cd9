#include "sim/hosts/move.hpp"

#include <optional>
#include <utility>

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
        scene_{hosts_, source_, target_, busy_, options_, report_, busy.domain().id()} {
    if (options_.has_oracles) oracles_ = move_oracles();
  }

  MoveReport run() {
    for (const auto& oracle : oracles_) oracle->before(scene_);
    if (options_.fault.where == Where::kTargetRoom) target_.leave_room(options_.fault.at);
    hosts_.meet();
    report_.began_ns = hosts_.now_ns();
    note(source_, "begins to send");
    transfer();
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

  void note(const SimulatedHost& host, std::string what) {
    report_.events.push_back({host.now_ns(), host.name(), std::move(what)});
  }
  void add(std::string_view oracle, const std::string& said) {
    if (!said.empty()) report_.wrong.push_back(std::string(oracle) + ": " + said);
  }
  void fail(const std::string& what) {
    if (report_.error.empty()) report_.error = what;
  }

  void pass_time(uint64_t ns) {
    source_.target().pass_time(ns);
    busy_.work();
  }
  void suspend() {
    busy_.suspend();
    report_.suspended_ns = source_.now_ns();
    note(source_, "suspended");
  }

  /// The target's end of the link: both clocks stand alike when something passes.
  class FarEnd final : public migration::ByteSink {
   public:
    FarEnd(Move& move, migration::ByteSink& target) : move_(move), target_(target) {}
    void write(std::span<const std::byte> bytes) override {
      move_.hosts_.meet();
      if (!std::exchange(has_begun_, true)) move_.note(move_.target_, "begins to restore");
      target_.write(bytes);
    }

   private:
    Move& move_;
    migration::ByteSink& target_;
    bool has_begun_ = false;
  };

  /// The target restores while the source sends, in turns.
  void transfer() {
    const CallWatch source(source_, options_.fault.where == Where::kSourceCall, options_.fault.at);
    const CallWatch target(target_, options_.fault.where == Where::kTargetCall, options_.fault.at);
    migration::StreamPipe pipe(kOfferedBytesMax, [this](migration::ByteSink& end) { send(end); });
    restore(pipe);
    // The target has all of it, or has given up: then the source is stopped where it is.
    pipe.close();
    report_.source_calls = source.fault().calls();
    report_.target_calls = target.fault().calls();
    report_.sent_bytes = link_->sent_bytes();
    report_.parts = link_->parts();
    report_.largest_part = link_->largest_part();
    report_.has_struck = source.fault().has_struck() || target.fault().has_struck() || link_->has_struck();
    report_.has_struck |= options_.fault.where == Where::kTargetRoom && !restored_;
  }

  void send(migration::ByteSink& target) {
    FarEnd end(*this, target);
    link_.emplace(options_.link, end, [this](uint64_t ns) { pass_time(ns); });
    save();
    link_->close();
    hosts_.meet();
    target_.target().pass_time(options_.link.latency_ns);
  }

  void save() {
    try {
      if (options_.is_live) {
        report_.saved = source_.toolstack().save_live(
            scene_.was, *link_, [this] { suspend(); }, options_.rounds);
      } else {
        suspend();
        report_.saved = source_.toolstack().save(scene_.was, *link_);
      }
      is_saved_ = true;
      note(source_, "has sent all");
    } catch (const LinkError& error) {
      scene_.source_died = error.fault() == LinkFault::kSourceDied;
      fail(error.what());
      note(source_, error.what());
    } catch (const ToolstackError& error) {
      fail(error.what());
      note(source_, error.what());
    }
  }

  /// Whatever arrives is tried: that it is not all of it is for the restorer to find.
  void restore(migration::ByteSource& source) {
    try {
      restored_ = target_.toolstack().restore(busy_.load().guest, source);
      note(target_, "has restored all");
    } catch (const migration::StreamError& error) {
      fail(error.what());
      note(target_, error.what());
    } catch (const ToolstackError& error) {
      fail(error.what());
      note(target_, error.what());
    }
  }

  /// The one moment of decision: the target has the domain when it has restored all of it, as it was sent.
  void settle() {
    if (restored_ && is_saved_ && !link_->arrived_as_sent()) fail("what arrived is not what was sent");
    if (restored_ && is_saved_ && link_->arrived_as_sent()) return hand_over();
    if (restored_) target_.toolstack().destroy(restored_->id);
    if (scene_.source_died) {
      report_.end = MoveEnd::kLost;
      return;
    }
    report_.end = MoveEnd::kStayed;
    for (const std::string& said : busy_.go_on()) add("guest", said);
    report_.resumed_ns = source_.now_ns();
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
    report_.resumed_ns = target_.now_ns();
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
  std::optional<Link> link_;
  std::vector<std::unique_ptr<MoveOracle>> oracles_;
  bool is_saved_ = false;
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
