// The vCPUs of one guest: up and down, runstates, timers, what is registered.
#include <array>
#include <vector>

#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/vcpu_contexts.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"
#include "conformance/model/vcpu_model.hpp"
#include "fuzz/sequence/families.hpp"

namespace assay::fuzz {
namespace {

using model::VcpuModel;

constexpr uint32_t kVcpus = 4, kOnline = 2;
/// A vCPU that no guest of this kind has, beside the ones that are there.
constexpr std::array<uint32_t, 8> kChoices{0, 1, 2, 3, 1, 1, kVcpus, UINT32_MAX};
constexpr uint64_t kMillisecondNs = 1'000'000;

enum Kind : uint8_t {
  kUp,
  kDown,
  kIsUp,
  kInitialise,
  kRunstate,
  kRunstateArea,
  kSetPeriodic,
  kStopPeriodic,
  kSetSingleshot,
  kStopSingleshot,
  kRegisterInfo,
  kClearTick,
  kRun,
};

constexpr std::array<OperationKind, 13> kKinds{{{"up", 12, 1},
                                                {"down", 8, 1},
                                                {"is_up", 4, 1},
                                                {"initialise", 2, 1},
                                                {"runstate", 10, 1},
                                                {"runstate_area", 4, 1},
                                                {"set_periodic", 6, 2},
                                                {"stop_periodic", 3, 1},
                                                {"set_singleshot", 8, 2},
                                                {"stop_singleshot", 4, 1},
                                                {"register_info", 4, 2},
                                                {"clear_tick", 6, 0},
                                                {"run", 6, 0}}};

class VcpusPlay : public Play {
 public:
  VcpusPlay(CaseContext& context, Journal& journal)
      : journal_(journal),
        context_(&context),
        guest_(&context.guest()),
        ops_(context.vcpu(0)),
        events_(context.vcpu(0)),
        bits_(context.vcpu(0)),
        model_(kVcpus, kOnline),
        info_page_(guest_->alloc_pages(1)),
        area_(guest_->alloc_pages(1)) {
    for (uint32_t i = 0; i < kOnline; ++i) {
      context.vcpu(i).set_upcalls(false);
      ops_.stop_periodic_timer(i);
    }
    tick_ = events_.bind_virq(VIRQ_TIMER, 0).port;
    bits_.clear_pending(tick_);
  }

  void step(Operation& operation) override {
    const auto& arg = operation.arg;
    const uint32_t vcpu = kChoices[arg[0] % kChoices.size()];
    switch (static_cast<Kind>(operation.kind)) {
      case kUp:
        return up(vcpu);
      case kDown:
        return down(vcpu);
      case kIsUp:
        return is_up(vcpu);
      case kInitialise:
        return initialise(vcpu);
      case kRunstate:
        return runstate(vcpu);
      case kRunstateArea:
        return register_area(vcpu);
      case kRegisterInfo:
        return register_info(vcpu, arg[1]);
      case kRun:
        return run();
      case kClearTick:
        model_.clear_tick();
        bits_.clear_pending(tick_);
        return compare_tick();
      default:
        step_of_timer(static_cast<Kind>(operation.kind), vcpu, arg[1]);
    }
  }

  void compare_all() override {
    for (uint32_t vcpu = 0; vcpu < kVcpus; ++vcpu) is_up(vcpu);
    compare_tick();
  }

  [[nodiscard]] std::unique_ptr<Play> clone() const override { return std::make_unique<VcpusPlay>(*this); }

 private:
  void up(uint32_t vcpu) {
    // One that was initialised but never ran has nobody to run it here.
    if (vcpu >= kOnline && vcpu < kVcpus && model_.vcpus()[vcpu].is_initialised) return is_up(vcpu);
    answered(ops_.up(vcpu), model_.up(vcpu), [&] { return fmt::format("up({}u)", vcpu); });
  }
  /// The caller itself stays up: it would not come back.
  void down(uint32_t vcpu) {
    if (vcpu == 0) return run();
    answered(ops_.down(vcpu), model_.down(vcpu), [&] { return fmt::format("down({}u)", vcpu); });
    if (vcpu < kVcpus) wait_until_stopped(vcpu);
    runstate(vcpu);
  }
  /// On another pCPU it stops promptly, which is not at once.
  void wait_until_stopped(uint32_t vcpu) {
    wait_until(*context_, [&] { return ops_.runstate(vcpu).arg.state == RUNSTATE_offline; });
    journal_.did([&] {
      return fmt::format("wait_until(c, [&] {{ return ops.runstate({}u).arg.state == RUNSTATE_offline; }});", vcpu);
    });
  }
  void is_up(uint32_t vcpu) {
    answered(ops_.is_up(vcpu), model_.is_up(vcpu), [&] { return fmt::format("is_up({}u)", vcpu); });
  }
  void initialise(uint32_t vcpu) {
    const bool is_pv = guest_->type() == GuestType::kPv64;
    const int64_t actual = is_pv ? initialise_vcpu(context_->vcpu(0), vcpu, pv_context(*guest_, vcpu % kVcpus))
                                 : initialise_vcpu(context_->vcpu(0), vcpu, hvm_context(*guest_, vcpu % kVcpus));
    journal_.answered(actual, model_.initialise(vcpu), [&] {
      return fmt::format("initialise_vcpu(c.vcpu(0), {}u, {}_context(c.guest(), {}u))", vcpu, is_pv ? "pv" : "hvm",
                         vcpu % kVcpus);
    });
  }
  /// The other vCPU does something when it is up.
  void run() {
    constexpr int64_t kAnswer = kPageSize;
    if (!model_.vcpus()[1].is_up) return is_up(1);
    journal_.answered(context_->vcpu(1).hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), kAnswer,
                      [] { return "c.vcpu(1).hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0})"; });
  }

  void runstate(uint32_t vcpu) {
    const auto got = ops_.runstate(vcpu);
    const auto call = [&](std::string_view field) { return fmt::format("ops.runstate({}u).{}", vcpu, field); };
    journal_.answered(got.result, model_.exists(vcpu), [&] { return call("result"); });
    if (journal_.failed() || got.result != 0) return;
    if (vcpu == 0) journal_.seen(got.arg.state, RUNSTATE_running, [&] { return call("arg.state"); });
    if (!model_.vcpus()[vcpu].is_up) {
      journal_.seen(got.arg.state, RUNSTATE_offline, [&] { return call("arg.state"); });
    }
    // Of another that runs, the reader's clock is compared with that of another pCPU: on the real Xen a microsecond
    // off.
    if (vcpu != 0) return;
    for (size_t i = 0; i < last_times_[vcpu].size(); ++i) {
      const uint64_t before = std::exchange(last_times_[vcpu][i], got.arg.time[i]);
      journal_.seen(got.arg.time[i] >= before, true,
                    [&] { return call(fmt::format("arg.time[{}] >= {}", i, before)); });
    }
  }
  void register_area(uint32_t vcpu) {
    const Gva area = area_ + (vcpu % kVcpus) * sizeof(vcpu_runstate_info_t);
    answered(ops_.register_runstate_area(vcpu, area), model_.exists(vcpu), [&] {
      return fmt::format("register_runstate_area({}u, area + {})", vcpu,
                         (vcpu % kVcpus) * sizeof(vcpu_runstate_info_t));
    });
    if (vcpu >= kVcpus || model_.vcpus()[vcpu].is_up) return;
    journal_.seen(context_->vcpu(0).read<vcpu_runstate_info_t>(area).state, RUNSTATE_offline, [&] {
      return fmt::format("c.vcpu(0).read<vcpu_runstate_info_t>(area + {}).state",
                         (vcpu % kVcpus) * sizeof(vcpu_runstate_info_t));
    });
  }
  /// Those that run keep theirs: the guest's own program looks there.
  void register_info(uint32_t vcpu, uint16_t choice) {
    constexpr std::array<uint32_t, 6> kOffsets{0, 64, 4096 - 64, 4, 4096 - 56, 8};
    const uint32_t offset = kOffsets[choice % kOffsets.size()];
    if (vcpu < kOnline) return is_up(vcpu);
    const Gfn frame = guest_->gfn_of(info_page_);
    answered(ops_.register_vcpu_info(vcpu, frame, offset), model_.register_vcpu_info(0, vcpu, offset),
             [&] { return fmt::format("register_vcpu_info({}u, c.guest().gfn_of(info_page), {})", vcpu, offset); });
  }

  void step_of_timer(Kind kind, uint32_t vcpu, uint16_t choice) {
    if (kind == kSetPeriodic) {
      // Ticks of vCPU 0 would be events that nobody foretells.
      constexpr std::array<uint64_t, 5> kPeriods{0, kMillisecondNs - 1, kMillisecondNs, 10 * kMillisecondNs,
                                                 UINT64_MAX};
      const uint64_t period = kPeriods[choice % kPeriods.size()];
      if (vcpu == 0 && model_.set_periodic_timer(0, period) == 0) return compare_tick();
      answered(ops_.set_periodic_timer(vcpu, period), model_.set_periodic_timer(vcpu, period),
               [&] { return fmt::format("set_periodic_timer({}u, {}u)", vcpu, period); });
    } else if (kind == kStopPeriodic) {
      answered(ops_.stop_periodic_timer(vcpu), model_.exists(vcpu),
               [&] { return fmt::format("stop_periodic_timer({}u)", vcpu); });
    } else if (kind == kSetSingleshot) {
      set_singleshot(vcpu, choice % 2 == 0);
    } else {
      answered(ops_.stop_singleshot_timer(vcpu), model_.stop_singleshot_timer(0, vcpu),
               [&] { return fmt::format("stop_singleshot_timer({}u)", vcpu); });
    }
    compare_tick();
  }
  void set_singleshot(uint32_t vcpu, bool has_passed) {
    constexpr uint64_t kFar = uint64_t{1} << 50;  // days from now
    const uint64_t at = has_passed ? 1 : kFar;
    answered(ops_.set_singleshot_timer(vcpu, at), model_.set_singleshot_timer(0, vcpu, has_passed),
             [&] { return fmt::format("set_singleshot_timer({}u, {}u)", vcpu, at); });
  }
  void compare_tick() {
    // A timer whose time has come goes off promptly, which is not at once.
    if (model_.is_tick_pending()) wait_until(*context_, [&] { return bits_.pending(tick_); });
    journal_.seen(bits_.pending(tick_), model_.is_tick_pending(), [] { return "bits.pending(tick)"; });
  }

  template <typename Make>
  void answered(int64_t actual, int64_t expected, Make call) {
    journal_.answered(actual, expected, [&] { return "ops." + call(); });
  }

  Journal& journal_;
  CaseContext* context_;
  Domain* guest_;
  VcpuOps ops_;
  EventChannels events_;
  SharedInfo bits_;
  VcpuModel model_;
  Gva info_page_, area_;
  EvtchnPort tick_{0};
  std::array<std::array<uint64_t, 4>, kVcpus> last_times_{};
};

}  // namespace

const Family& vcpus_family() {
  static const Family family{.name = "vcpus",
                             .kinds = kKinds,
                             .actors = 1,
                             .spec = {.slug = "property.vcpus",
                                      .rule = "The vCPUs of a guest are, at every moment, what it made of them.",
                                      .source = "public/vcpu.h",
                                      .needs = {},
                                      .vcpus = kVcpus,
                                      .vcpus_online = kOnline},
                             .includes = {"conformance/guest/event_channels.hpp", "conformance/guest/shared_info.hpp",
                                          "conformance/guest/vcpu_contexts.hpp", "conformance/guest/vcpu_ops.hpp",
                                          "conformance/guest/wait.hpp"},
                             .prologue =
                                 "VcpuOps ops(c.vcpu(0));\n"
                                 "EventChannels events(c.vcpu(0));\n"
                                 "SharedInfo bits(c.vcpu(0));\n"
                                 "[[maybe_unused]] const Gva info_page = c.guest().alloc_pages(1);\n"
                                 "[[maybe_unused]] const Gva area = c.guest().alloc_pages(1);\n"
                                 "for (const uint32_t id : {0u, 1u}) {\n"
                                 "  c.vcpu(id).set_upcalls(false);\n"
                                 "  ops.stop_periodic_timer(id);\n"
                                 "}\n"
                                 "const EvtchnPort tick = events.bind_virq(VIRQ_TIMER, 0).port;\n"
                                 "bits.clear_pending(tick);\n",
                             .begin = begin_play<VcpusPlay>};
  return family;
}

}  // namespace assay::fuzz
