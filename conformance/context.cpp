#include "conformance/context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "conformance/case.hpp"
#include "sim/engine/interleaving.hpp"

namespace assay {
namespace {

void need(const CaseSpec& spec, Capability capability, std::string_view who) {
  if (std::find(spec.needs.begin(), spec.needs.end(), capability) != spec.needs.end()) return;
  throw HarnessFault(
      fmt::format("{} is asked for by {}, whose `.needs` lack {}", who, spec.slug, to_string(capability)));
}

}  // namespace

GuestSpec CaseContext::guest_spec() const {
  return GuestSpec{.type = type_,
                   .vcpus = spec_.vcpus,
                   .vcpus_online = spec_.vcpus_online,
                   .pages = spec_.pages,
                   .max_evtchn_port = spec_.max_evtchn_port};
}

Domain& CaseContext::dom0() {
  Domain& dom0 = target_.dom0();
  if (dom0.observer() != steps_.get()) dom0.observe(steps_);
  return dom0;
}

Domain& CaseContext::guest(const GuestSpec& spec) {
  if (steps_) {
    steps_->pause(fmt::format("builds a {} guest: {} vcpus, {} online, {} pages", to_string(spec.type), spec.vcpus,
                              spec.vcpus_online, spec.pages));
  }
  Domain& made = target_.create_guest(spec);
  made.observe(steps_);
  if (steps_) steps_->resume();
  return made;
}

Domain& CaseContext::nth_guest(size_t index) {
  if (spec_.guests == GuestTypes::kDom0) throw HarnessFault("a case for dom0 alone has no guest of a given type");
  while (guests_.size() <= index) guests_.push_back(&guest(guest_spec()));
  return *guests_[index];
}

Domain& CaseContext::guest() {
  return nth_guest(0);
}

Domain& CaseContext::peer() {
  const bool third_needed =
      std::find(spec_.needs.begin(), spec_.needs.end(), Capability::kThreeGuests) != spec_.needs.end();
  if (!third_needed) need(spec_, Capability::kTwoGuests, "peer()");
  return nth_guest(1);
}

Domain& CaseContext::third() {
  need(spec_, Capability::kThreeGuests, "third()");
  return nth_guest(2);
}

bool CaseContext::decide(bool held, std::string_view what, std::string_view relation, const std::string& expected,
                         const std::string& actual) {
  ++checks_;
  if (held) {
    if (steps_) steps_->on_check(fmt::format("{}: {} {}", what, relation, expected), true);
    return true;
  }
  std::string text = fmt::format("{}: {} {}, got {}", what, relation, expected, actual);
  if (steps_) steps_->on_check(text, false);
  notes_.push_back(fmt::format("check {}: {}", checks_, text));
  conclude(Verdict::kFail, std::move(text));
  return false;
}

void CaseContext::fail(std::string message) {
  ++checks_;
  if (steps_) steps_->on_check(message, false);
  conclude(Verdict::kFail, std::move(message));
}

void CaseContext::conclude(Verdict verdict, std::string message) {
  if (verdict <= verdict_) return;
  verdict_ = verdict;
  message_ = std::move(message);
}

void CaseContext::interleave(uint32_t rounds, const std::function<void()>& round) {
  /// Without steering more rounds would not tell more.
  constexpr uint32_t kRoundsUnsteered = 3;
  need(spec_, Capability::kSteer, "interleave()");
  const uint32_t count = target_.has(Capability::kSteer) ? rounds : std::min(rounds, kRoundsUnsteered);
  for (uint32_t i = 0; i < count && verdict_ < Verdict::kFail; ++i) {
    ++round_;
    round();
    if (verdict_ >= Verdict::kFail) note(fmt::format("in round {} of {}", i + 1, count));
  }
}

void CaseContext::interleave_as(uint64_t number, const std::function<void()>& round) {
  need(spec_, Capability::kSteer, "interleave_as()");
  if (number == 0) throw HarnessFault("interleave_as(0): rounds are counted from 1");
  round_ = number;
  round();
}

int64_t CaseContext::during(Vcpu& vcpu, uint32_t number, std::initializer_list<uint64_t> args,
                            const std::function<void()>& meanwhile) {
  if (round_ == 0) throw HarnessFault("during() outside of interleave()");
  const bool steers = target_.has(Capability::kSteer);
  // The rounds of any seed go through the kinds of interleavings in the same order.
  if (steers) target_.steer(seed_ * kInterleavingKinds + round_);
  vcpu.start_hypercall(number, args);
  meanwhile();
  const std::optional<int64_t> result = vcpu.finish_hypercall(target_.patience_ns());
  if (steers) target_.stop_steering();
  if (!result.has_value()) throw TargetDied(TargetDied::How::kHang, "a hypercall during which others ran");
  return *result;
}

void CaseContext::inconclusive(std::string_view why) {
  conclude(Verdict::kInconclusive, std::string(why));
  throw CaseEnded{};
}

void CaseContext::skip(std::string_view why) {
  conclude(Verdict::kSkip, std::string(why));
  throw CaseEnded{};
}

}  // namespace assay
