#include "sim/hosts/oracles.hpp"

#include <algorithm>
#include <array>

#include "sim/hosts/domain_frames.hpp"
#include "sim/hosts/log_dirty_oracle.hpp"
#include "sim/hosts/vcpu_oracle.hpp"
#include "sim/toolstack/error.hpp"
#include "sim/toolstack/migration/memory_image.hpp"
#include "sim/toolstack/migration/state_control.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::hosts {

namespace {

using migration::MemoryImage;

MemoryImage image_at(SimulatedHost& host, DomId domain, const std::vector<uint64_t>& frames, GuestType type) {
  return migration::image_of_domain(host.toolstack().tools(), domain, frames, type == GuestType::kPv64);
}

/// Every frame of the source is in the target, as it is there; and the target has no memory besides.
class MemoryArrives final : public MoveOracle {
 public:
  [[nodiscard]] std::string_view name() const override { return "memory"; }
  [[nodiscard]] std::string at_arrival(MoveScene& scene) override {
    const GuestType type = scene.busy.domain().type();
    const auto but_for = migration::rewritten_pfns(scene.busy.domain().space());
    const MemoryImage there = image_at(scene.source, scene.was, frames_of(scene.source, scene.was, type), type);
    const MemoryImage here = image_at(scene.target, scene.arrived->id, scene.arrived->frames, type);
    const std::string differ = here.difference(there, but_for);
    if (!differ.empty()) return blame(scene, there, but_for) + differ;
    const auto info = scene.target.toolstack().info(scene.arrived->id);
    if (!info) return "the target is gone";
    if (info->tot_pages == here.pages()) return "";
    return "the target has " + std::to_string(info->tot_pages) + " pages of memory for " +
           std::to_string(here.pages()) + " that the domain has: a frame was populated twice";
  }

 private:
  /// What was sent is what the source has, and then the target is to blame; or not.
  static std::string blame(MoveScene& scene, const MemoryImage& there, const std::vector<uint64_t>& but_for) {
    migration::MemorySource bytes(scene.stream);
    const bool is_sent = migration::image_of_stream(bytes).difference(there, but_for).empty();
    return is_sent ? "of what host " + scene.target.name() + " was sent and has, "
                   : "of what host " + scene.source.name() + " has and has sent, ";
  }
};

/// What a PVH domain is told in parameters is the same.
class ParametersArrive final : public MoveOracle {
 public:
  [[nodiscard]] std::string_view name() const override { return "parameters"; }
  [[nodiscard]] std::string at_arrival(MoveScene& scene) override {
    if (scene.busy.load().guest.type != GuestType::kPvh) return "";
    const migration::StateControl there(scene.source.toolstack().tools().dom0, scene.was);
    const migration::StateControl here(scene.target.toolstack().tools().dom0, scene.arrived->id);
    for (const uint32_t index :
         std::to_array<uint32_t>({HVM_PARAM_STORE_PFN, HVM_PARAM_CONSOLE_PFN, HVM_PARAM_IDENT_PT})) {
      const uint64_t was = there.hvm_param(index), is = here.hvm_param(index);
      if (was == is) continue;
      return "parameter " + std::to_string(index) + " was " + std::to_string(was) + " and is " + std::to_string(is);
    }
    return "";
  }
};

/// Exactly one of both can run.
class OneRuns final : public MoveOracle {
 public:
  [[nodiscard]] std::string_view name() const override { return "one runs"; }
  [[nodiscard]] std::string at_arrival(MoveScene& scene) override {
    if (scene.source.can_run(scene.was)) return "the source can run while the target is complete";
    return scene.target.can_run(scene.arrived->id) ? "the target can run before it is handed over" : "";
  }
  [[nodiscard]] std::string after(MoveScene& scene) override {
    const bool source = !scene.source_died && scene.source.can_run(scene.was);
    const bool target = !scene.target_died && scene.arrived != nullptr && scene.target.can_run(scene.arrived->id);
    const bool is_lost = scene.report.end == MoveEnd::kLost;
    if (source && target) return "source and target both run";
    if (!source && !target && !is_lost) return "neither source nor target can run";
    if (target != (scene.report.end == MoveEnd::kArrived)) return "another one runs than the toolstack says";
    return "";
  }
};

/// A host without the domain has what it had without it.
class NothingLeaks final : public MoveOracle {
 public:
  [[nodiscard]] std::string_view name() const override { return "leaks"; }
  void before(MoveScene& scene) override {
    source_ = scene.source.resources();
    target_ = scene.target.resources();
    pool_ = pool_pages(scene.source, scene.was, scene.busy.load().guest.type);
  }
  [[nodiscard]] std::string after(MoveScene& scene) override {
    if (scene.report.end == MoveEnd::kArrived) return after_arrival(scene);
    if (!scene.target_died) {
      if (std::string said = compare(scene.target, target_); !said.empty()) return said;
    }
    if (scene.source_died) return "";
    return scene.report.end == MoveEnd::kLost ? gone_from(scene.source, scene.was) : compare(scene.source, source_);
  }

 private:
  /// What hypervisors give back later than they say.
  static constexpr unsigned kPollsMax = 20;
  static constexpr uint64_t kPollNs = 1'000'000;

  static std::string compare(SimulatedHost& host, const Resources& wanted) {
    Resources has = host.resources();
    for (unsigned poll = 0; poll < kPollsMax && has != wanted; ++poll) {
      host.target().pass_time(kPollNs);
      has = host.resources();
    }
    if (has == wanted) return "";
    return "host " + host.name() + " had " + to_string(wanted) + "; now " + to_string(has);
  }

  [[nodiscard]] std::string gone_from(SimulatedHost& source, DomId was) const {
    const Resources has = source.resources();
    auto wanted = source_.domains;
    std::erase(wanted, was.raw());
    return has.domains == wanted ? "" : "host " + source.name() + " has " + to_string(has);
  }

  /// The domain's memory has changed hosts: the sum is as it was. Tables of theirs may differ by a few pages.
  [[nodiscard]] std::string after_arrival(MoveScene& scene) const {
    constexpr uint64_t kSlackPages = 8;
    const Resources source = scene.source.resources(), target = scene.target.resources();
    if (std::string said = gone_from(scene.source, scene.was); !said.empty()) return said;
    auto wanted = target_.domains;
    wanted.push_back(scene.arrived->id.raw());
    std::ranges::sort(wanted);
    if (target.domains != wanted) return "host " + scene.target.name() + " has " + to_string(target);
    const uint64_t pool = pool_pages(scene.target, scene.arrived->id, scene.busy.load().guest.type);
    const uint64_t before = source_.free_pages + target_.free_pages + pool_;
    const uint64_t now = source.free_pages + target.free_pages + pool;
    if (now + kSlackPages >= before && now <= before + kSlackPages) return "";
    return "both hosts had " + std::to_string(before) + " pages free or for tables; now " + std::to_string(now);
  }

  /// Of its host's memory, what a PVH domain has for its second-stage tables.
  static uint64_t pool_pages(SimulatedHost& host, DomId domain, GuestType type) {
    if (type == GuestType::kPv64) return 0;
    xen_domctl op = toolstack::make_domctl(XEN_DOMCTL_get_paging_mempool_size, domain);
    toolstack::must(host.toolstack().tools().dom0.domctl(op), "get_paging_mempool_size");
    return op.u.paging_mempool.size / kPageSize;
  }

  Resources source_, target_;
  uint64_t pool_ = 0;
};

/// Who fails says so, and nobody goes on as if nothing had failed.
class FailuresAreTold final : public MoveOracle {
 public:
  [[nodiscard]] std::string_view name() const override { return "told"; }
  [[nodiscard]] std::string after(MoveScene& scene) override {
    const MoveReport& report = scene.report;
    const LinkFault link = scene.options.link.fault;
    const bool is_harmless = link == LinkFault::kMerged || link == LinkFault::kHoled || link == LinkFault::kDelayed;
    if (is_harmless && report.end != MoveEnd::kArrived)
      return "nothing was wrong, and it did not arrive: " + report.error;
    if (report.end != MoveEnd::kArrived) return report.error.empty() ? "it did not arrive, and nobody says why" : "";
    if (!report.error.empty()) return "it arrived although this was said: " + report.error;
    const FaultPoint::Where where = scene.options.fault.where;
    const bool is_call = where == FaultPoint::Where::kSourceCall || where == FaultPoint::Where::kTargetCall;
    return is_call && report.has_struck ? "a hypercall failed, and nobody says so" : "";
  }
};

/// What the cores themselves find broken.
class Audits final : public MoveOracle {
 public:
  [[nodiscard]] std::string_view name() const override { return "audit"; }
  [[nodiscard]] std::string after(MoveScene& scene) override {
    std::string said;
    if (!scene.target_died) said += audit_of(scene.target);
    if (!scene.source_died) said += audit_of(scene.source);
    return said;
  }

 private:
  static std::string audit_of(SimulatedHost& host) {
    const std::string said = host.target().audit();
    return said.empty() ? "" : "host " + host.name() + ": " + said;
  }
};

/// The domain that goes on is as it was, as far as it can tell.
class GuestIsSane final : public MoveOracle {
 public:
  [[nodiscard]] std::string_view name() const override { return "guest"; }
  [[nodiscard]] std::string after(MoveScene& scene) override {
    if (scene.report.end == MoveEnd::kLost) return "";
    std::string text;
    const std::string at = "on host " + scene.busy.host().name() + ": ";
    for (const std::string& said : scene.busy.check()) text += (text.empty() ? at : "; ") + said;
    return text;
  }
};

/// Rounds come to an end, and none sends more than was written while the one before it was sent.
class Converges final : public MoveOracle {
 public:
  [[nodiscard]] std::string_view name() const override { return "convergence"; }
  [[nodiscard]] std::string after(MoveScene& scene) override {
    const std::vector<uint64_t>& rounds = scene.report.saved.rounds;
    if (rounds.size() > scene.options.rounds.rounds_max + size_t{1}) return "more rounds than it may have";
    for (size_t round = 1; round < rounds.size(); ++round) {
      const uint64_t bound =
          bound_after(scene, rounds[round - 1]) + (round + 1 == rounds.size() ? rounds[round - 1] : 0);
      if (rounds[round] <= bound) continue;
      return "round " + std::to_string(round + 1) + " sent " + std::to_string(rounds[round]) + " pages; at most " +
             std::to_string(bound) + " can have become dirty since " + std::to_string(rounds[round - 1]) + " were sent";
    }
    return "";
  }

 private:
  /// Sending takes the link's time and that of hypercalls, which is less.
  static uint64_t bound_after(const MoveScene& scene, uint64_t pages) {
    constexpr uint64_t kPagesBeside = 96, kHypercallsFactor = 2;
    const uint64_t delay = scene.options.link.fault == LinkFault::kDelayed ? kLinkDelayNs : 0;
    const uint64_t ns = pages * scene.options.link.ns_per_page * kHypercallsFactor + delay;
    return ns * scene.busy.load().writes_per_ms / kNsPerMs + kPagesBeside;
  }
};

}  // namespace

std::vector<std::unique_ptr<MoveOracle>> move_oracles() {
  std::vector<std::unique_ptr<MoveOracle>> all;
  all.push_back(std::make_unique<MemoryArrives>());
  all.push_back(std::make_unique<ParametersArrive>());
  all.push_back(std::make_unique<VcpusArrive>());
  all.push_back(std::make_unique<OneRuns>());
  all.push_back(std::make_unique<NothingLeaks>());
  all.push_back(std::make_unique<FailuresAreTold>());
  all.push_back(std::make_unique<Audits>());
  all.push_back(std::make_unique<GuestIsSane>());
  all.push_back(std::make_unique<Converges>());
  all.push_back(std::make_unique<LogDirtyIsExact>());
  return all;
}

}  // namespace assay::hosts
