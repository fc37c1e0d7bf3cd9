#include "sim/hosts/oracles.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "sim/hosts/log_dirty_oracle.hpp"
#include "sim/toolstack/migration/guest_p2m.hpp"
#include "sim/toolstack/migration/memory_image.hpp"
#include "sim/toolstack/migration/state_control.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::hosts {

namespace {

using migration::MemoryImage;

/// As image_of_domain wants them: by pfn.
std::vector<uint64_t> frames_of(SimulatedHost& host, DomId domain, GuestType type) {
  const migration::Tools tools = host.toolstack().tools();
  if (type == GuestType::kPvh) {
    std::vector<uint64_t> gfns(migration::StateControl(tools.dom0, domain).last_gfn() + 1);
    std::iota(gfns.begin(), gfns.end(), 0);
    return gfns;
  }
  const auto info = tools.control.info(domain);
  if (!info) throw ToolstackError("the source is gone");
  const uint64_t frame = info->shared_info_frame;
  const Gva page = tools.window.map_to_read(domain, std::span(&frame, 1));
  const auto arch = tools.dom0.vcpu().read<arch_shared_info>(page + offsetof(shared_info, arch));
  return migration::read_guest_p2m(tools.window, domain, arch).mfns;
}

MemoryImage image_at(SimulatedHost& host, DomId domain, const std::vector<uint64_t>& frames, GuestType type) {
  return migration::image_of_domain(host.toolstack().tools(), domain, frames, type == GuestType::kPv64);
}

/// Every frame of the source is in the target, as it is there; and the target has no memory besides.
class MemoryArrives final : public MoveOracle {
 public:
  [[nodiscard]] std::string_view name() const override { return "memory"; }
  [[nodiscard]] std::string at_arrival(MoveScene& scene) override {
    const GuestType type = scene.busy.domain().type();
    const MemoryImage there = image_at(scene.source, scene.was, frames_of(scene.source, scene.was, type), type);
    const MemoryImage here = image_at(scene.target, scene.arrived->id, scene.arrived->frames, type);
    const std::string differ = here.difference(there, migration::rewritten_pfns(scene.busy.domain().space()));
    if (!differ.empty()) return "of what the source has and the target got, " + differ;
    const auto info = scene.target.toolstack().info(scene.arrived->id);
    if (!info) return "the target is gone";
    if (info->tot_pages == here.pages()) return "";
    return "the target has " + std::to_string(info->tot_pages) + " pages of memory for " +
           std::to_string(here.pages()) + " that the domain has: a frame was populated twice";
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
    const bool target = scene.arrived != nullptr && scene.target.can_run(scene.arrived->id);
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
  }
  [[nodiscard]] std::string after(MoveScene& scene) override {
    if (scene.report.end == MoveEnd::kArrived) return after_arrival(scene);
    if (std::string said = compare(scene.target, target_); !said.empty()) return said;
    return scene.source_died ? "" : compare(scene.source, source_);
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

  /// The domain's memory has changed hosts: the sum is as it was. Tables of theirs may differ by a few pages.
  [[nodiscard]] std::string after_arrival(MoveScene& scene) const {
    constexpr uint64_t kSlackPages = 8;
    const Resources source = scene.source.resources(), target = scene.target.resources();
    auto wanted = source_.domains;
    std::erase(wanted, scene.was.raw());
    if (source.domains != wanted) return "host " + scene.source.name() + " has " + to_string(source);
    wanted = target_.domains;
    wanted.push_back(scene.arrived->id.raw());
    std::ranges::sort(wanted);
    if (target.domains != wanted) return "host " + scene.target.name() + " has " + to_string(target);
    const uint64_t before = source_.free_pages + target_.free_pages, now = source.free_pages + target.free_pages;
    if (now + kSlackPages >= before && now <= before + kSlackPages) return "";
    return "both hosts had " + std::to_string(before) + " free pages; now " + std::to_string(now);
  }

  Resources source_, target_;
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
    std::string said = scene.target.target().audit();
    if (!scene.source_died) said += scene.source.target().audit();
    return said;
  }
};

/// The domain that goes on is as it was, as far as it can tell.
class GuestIsSane final : public MoveOracle {
 public:
  [[nodiscard]] std::string_view name() const override { return "guest"; }
  [[nodiscard]] std::string after(MoveScene& scene) override {
    if (scene.report.end == MoveEnd::kLost) return "";
    std::string text;
    for (const std::string& said : scene.busy.check()) text += (text.empty() ? "" : "; ") + said;
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
