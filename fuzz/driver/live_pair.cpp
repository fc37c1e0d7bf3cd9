#include "fuzz/driver/live_pair.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "sim/abi/xen.hpp"

namespace assay::fuzz {
namespace {

constexpr uint64_t kCallPatienceNs = 50'000'000;  ///< a busy host may need longer: then a guest is given up too early
constexpr uint64_t kLastWordsOneIn = 256;

/// Calls that mostly end the caller, or send it to sleep, or take away what it stands on. New guests take as long as
/// thousands of calls.
bool is_last_words(const Call& call) {
  static constexpr std::array<uint8_t, 13> kNumbers{
      __HYPERVISOR_set_trap_table,  __HYPERVISOR_mmu_update,    __HYPERVISOR_set_gdt,
      __HYPERVISOR_stack_switch,    __HYPERVISOR_set_callbacks, __HYPERVISOR_sched_op_compat,
      __HYPERVISOR_memory_op,       __HYPERVISOR_iret,          __HYPERVISOR_vcpu_op,
      __HYPERVISOR_mmuext_op,       __HYPERVISOR_sched_op,      __HYPERVISOR_update_va_mapping,
      __HYPERVISOR_set_segment_base};
  return std::ranges::find(kNumbers, call.number % kCallNumbers) != kNumbers.end();
}

}  // namespace

void LivePair::renew(uint64_t seed) {
  target_.begin_case(seed);
  callers_ = make_callers(target_, kCallPatienceNs);
  history_.clear();
}

uint64_t LivePair::play(const Calls& calls) {
  Calls row;  // of one guest, not made yet
  uint64_t made = 0;
  for (const Call& call : calls) {
    const bool is_last = is_last_words(call);
    if (is_last && ++last_words_ % kLastWordsOneIn != 0) continue;
    if (!row.empty() && (is_last || caller_of(call) != caller_of(row.back()))) made += make(row);
    row.push_back(call);
    if (is_last) made += make(row);
  }
  return row.empty() ? made : made + make(row);
}

uint64_t LivePair::make(Calls& row) {
  const Calls calls = std::exchange(row, {});
  Caller& caller = callers_[caller_of(calls.front())];
  if (caller.is_gone()) return 0;
  history_.insert(history_.end(), calls.begin(), calls.end());
  caller.make_all(calls);
  return calls.size();
}

void LivePair::repeat(const Calls& calls) {
  history_.insert(history_.end(), calls.begin(), calls.end());
  make_calls(callers_, calls);
}

void LivePair::finish() {
  target_.dom0().vcpu(0).hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0});
  if (const std::string broken = target_.audit(); !broken.empty()) {
    throw TargetDied(TargetDied::How::kPanic, "its own audit: " + broken);
  }
  const uint32_t boots = target_.boots();
  const std::string evidence = target_.evidence();
  target_.begin_case(1);
  if (target_.boots() == boots) return;
  throw TargetDied(TargetDied::How::kHang, "it does not let go of its guests: only a boot helped\n" + evidence);
}

size_t LivePair::left() const {
  return static_cast<size_t>(std::ranges::count_if(callers_, [](const Caller& caller) { return !caller.is_gone(); }));
}

std::optional<std::string> death_of(const TargetFactory& make_target, const Calls& calls) {
  const std::unique_ptr<Target> target = make_target();
  LivePair pair(*target);
  try {
    pair.renew(1);
    pair.repeat(calls);
    pair.finish();
  } catch (const TargetDied& died) {
    return died.what();
  }
  return std::nullopt;
}

}  // namespace assay::fuzz
