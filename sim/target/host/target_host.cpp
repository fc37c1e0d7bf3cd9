#include "sim/target/host/target_host.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "sim/engine/core_places.hpp"
#include "sim/target/host/host_port.hpp"
#include "sim/target/host/session.hpp"
#include "sim/toolstack/guest_adopter.hpp"

namespace assay {

namespace host {

namespace {

constexpr size_t kConsoleTailBytes = 4000;

std::vector<Capability> with_claims(std::vector<Capability> found, const std::vector<Capability>& claimed) {
  for (const Capability claim : claimed) {
    if (std::ranges::find(found, claim) == found.end()) found.push_back(claim);
  }
  std::ranges::sort(found);
  return found;
}

/// What a session remembers, for those who do not know it.
struct HostMoment final : HostTarget::Moment {
  explicit HostMoment(Session::Moment taken) : moment(std::move(taken)) {}
  Session::Moment moment;
};

struct HostLuggage final : HostTarget::Luggage {
  explicit HostLuggage(Session::Saved saved) : executors(std::move(saved)) {}
  Session::Saved executors;
};

class TargetHost final : public HostTarget, public GuestAdopter {
 public:
  explicit TargetHost(const HostOptions& options) : options_(options), core_(options.core), session_(core_, options) {
    const bool is_bundled = options.core.filename() == "hv.so";
    info_ = {is_bundled ? "hv" : "core", core_.name(), core_.version(), {}};
    info_.capabilities = with_claims(probe(), options.claimed);
    session_.rewind(0);
    places_.emplace(core_);
  }

  [[nodiscard]] const TargetInfo& info() const override { return info_; }
  [[nodiscard]] const HostOptions& options() const override { return options_; }
  void begin_case(uint64_t seed) override {
    if (session_.machine().is_dead()) ++boots_;
    session_.rewind(seed);
  }
  Domain& dom0() override { return session_.dom0(); }
  Domain& create_guest(const GuestSpec& spec) override { return session_.create_guest(spec); }
  Domain& adopt_guest(const BuiltGuest& built, GuestType type, const Domain* was) override {
    return session_.adopt_guest(built, type, was == nullptr ? Session::Saved{} : session_.saved_executors(*was));
  }
  [[nodiscard]] uint64_t now_ns() const override { return session_.machine().now_ns(); }
  [[nodiscard]] std::unique_ptr<Luggage> luggage_of(const Domain& guest) const override {
    return std::make_unique<HostLuggage>(session_.saved_executors(guest));
  }
  Domain& adopt_moved(const BuiltGuest& built, GuestType type, const Luggage& luggage) override {
    return session_.adopt_guest(built, type, dynamic_cast<const HostLuggage&>(luggage).executors);
  }
  void destroy_guest(Domain& guest) override { session_.destroy_guest(guest); }
  Vcpu& attach_vcpu(Domain& guest, uint32_t vcpu_id) override { return session_.attach_vcpu(guest, vcpu_id); }
  [[nodiscard]] std::unique_ptr<Moment> take_moment() override {
    try {
      return std::make_unique<HostMoment>(session_.take_moment());
    } catch (const CoreDied& died) {
      throw translate(died);
    }
  }
  [[nodiscard]] bool go_back(const Moment& moment) override {
    return session_.go_back(dynamic_cast<const HostMoment&>(moment).moment);
  }
  void pass_time(uint64_t ns) override {
    try {
      session_.machine().pass_time(ns);
    } catch (const CoreDied& died) {
      throw translate(died);
    }
  }
  void steer(uint64_t seed) override { session_.steer(seed); }
  void stop_steering() override { session_.stop_steering(); }
  [[nodiscard]] uint64_t patience_ns() const override { return kPatienceNs; }
  std::string console() override { return session_.console(); }
  void type_console(std::string_view text) override { session_.machine().type_console(text); }
  [[nodiscard]] uint64_t digest() const override { return session_.machine().digest(); }
  std::string audit() override {
    try {
      return session_.machine().is_dead() ? "" : session_.machine().audit();
    } catch (const CoreDied& died) {
      throw translate(died);
    }
  }
  [[nodiscard]] uint32_t boots() const override { return boots_; }
  std::string evidence() override {
    const std::string console = session_.console();
    const size_t start = console.size() - std::min(console.size(), kConsoleTailBytes);
    return session_.trouble() + session_.machine().describe() + "console:\n" + console.substr(start);
  }
  std::vector<uint32_t> places_met() override { return places_->take(); }

 private:
  std::vector<Capability> probe();
  /// True when a fresh machine can build all of these at once. A core that dies of it does not lack the capability: the
  /// cases that need it shall see it die.
  bool can_build(const std::vector<GuestSpec>& specs);

  HostOptions options_;
  CoreObject core_;
  Session session_;
  TargetInfo info_;
  uint32_t boots_ = 0;
  std::optional<CorePlaces> places_;  ///< from the end of the constructor on
};

bool TargetHost::can_build(const std::vector<GuestSpec>& specs) {
  session_.rewind(0);
  try {
    for (const GuestSpec& spec : specs) session_.create_guest(spec);
  } catch (const ToolstackError&) {
    return false;
  } catch (const HarnessFault&) {
    return false;
  } catch (const TargetDied&) {
    return session_.machine().is_dead();
  }
  return true;
}

std::vector<Capability> TargetHost::probe() {
  std::vector<Capability> found{Capability::kConsoleText, Capability::kVirtualTime, Capability::kSteer};
  if (!session_.has_dom0()) return found;
  found.push_back(Capability::kDom0);
  const bool has_pv = can_build({GuestSpec{.type = GuestType::kPv64}});
  const bool has_pvh = can_build({GuestSpec{.type = GuestType::kPvh}});
  if (has_pv) found.push_back(Capability::kPv64Guest);
  if (has_pvh) found.push_back(Capability::kPvhGuest);
  if (!has_pv && !has_pvh) return found;
  const GuestSpec one{.type = has_pv ? GuestType::kPv64 : GuestType::kPvh};
  GuestSpec two_vcpus = one;
  two_vcpus.vcpus = two_vcpus.vcpus_online = 2;
  if (can_build({one, one})) found.push_back(Capability::kTwoGuests);
  if (can_build({one, one, one})) found.push_back(Capability::kThreeGuests);
  if (can_build({two_vcpus})) found.push_back(Capability::kMultiVcpu);
  std::ranges::sort(found);
  return found;
}

}  // namespace

}  // namespace host

std::unique_ptr<HostTarget> make_host_target(const HostOptions& options) {
  try {
    return std::make_unique<host::TargetHost>(options);
  } catch (const CoreRefused& refused) {
    throw TargetUnavailable(refused.what());
  }
}

}  // namespace assay
