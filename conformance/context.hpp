/// What the body of a case works with: the target, its guests, and the checks that decide the verdict.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conformance/show.hpp"
#include "conformance/steps.hpp"
#include "conformance/verdict.hpp"
#include "sim/target/target.hpp"

namespace assay {

struct CaseSpec;

/// Thrown by require_*, skip and inconclusive; ends the body. Not for cases to catch.
struct CaseEnded {};

class CaseContext {
 public:
  /// `type` is the guest type of this variant; it means nothing for a case that acts on dom0 alone. Without `steps`
  /// nobody is told what guests do, which saves more time than some operations take.
  CaseContext(Target& target, const CaseSpec& spec, GuestType type, uint64_t seed, std::shared_ptr<CaseSteps> steps)
      : target_(target), spec_(spec), type_(type), seed_(seed), steps_(std::move(steps)) {}
  CaseContext(const CaseContext&) = delete;
  CaseContext& operator=(const CaseContext&) = delete;

  [[nodiscard]] Target& target() { return target_; }
  [[nodiscard]] GuestType guest_type() const { return type_; }
  [[nodiscard]] bool pv() const { return type_ == GuestType::kPv64; }
  /// Depends on the root seed and the case's slug alone.
  [[nodiscard]] uint64_t seed() const { return seed_; }

  Domain& dom0();
  /// The guest under test: of the variant's type, sized by the case's `.vcpus`, `.vcpus_online` and `.pages`; created
  /// when first asked for.
  Domain& guest();
  /// A second and a third guest like the first. The case must need kTwoGuests or kThreeGuests.
  Domain& peer();
  Domain& third();
  /// A further guest as `spec` says.
  Domain& guest(const GuestSpec& spec);
  /// The specification guest(), peer() and third() are created from.
  [[nodiscard]] GuestSpec guest_spec() const;
  /// vCPU `index` of guest().
  Vcpu& vcpu(uint32_t index = 0) { return guest().vcpu(index); }

  /// Records FAIL with what was got and what was expected, and goes on. Returns whether it held.
  template <typename A, typename B>
  bool check_eq(const A& actual, const B& expected, std::string_view what) {
    return decide(same(actual, expected), what, "expected", show(expected), show(actual));
  }
  template <typename A, typename B>
  bool check_ne(const A& actual, const B& unexpected, std::string_view what) {
    return decide(!same(actual, unexpected), what, "expected anything but", show(unexpected), show(actual));
  }
  /// A check that did not hold, in words of the caller's own.
  void fail(std::string message);
  bool check(bool condition, std::string_view what) { return decide(condition, what, "expected", "true", "false"); }

  /// As check_*, but a failure ends the case: what follows would make no sense.
  template <typename A, typename B>
  void require_eq(const A& actual, const B& expected, std::string_view what) {
    if (!check_eq(actual, expected, what)) throw CaseEnded{};
  }
  template <typename A, typename B>
  void require_ne(const A& actual, const B& unexpected, std::string_view what) {
    if (!check_ne(actual, unexpected, what)) throw CaseEnded{};
  }
  void require(bool condition, std::string_view what) {
    if (!check(condition, what)) throw CaseEnded{};
  }

  /// Calls `round` so many times, each under another interleaving inside the hypervisor, as the seed chooses. Where the
  /// target cannot choose, a few times, as chance has it: what is checked must hold all the same, but the case can
  /// only FAIL or be INCONCLUSIVE there. The case must need kSteer.
  void interleave(uint32_t rounds, const std::function<void()>& round);
  /// One round, under the interleaving that its number stands for; 0 is none.
  void interleave_as(uint64_t number, const std::function<void()>& round);
  /// In a round: begins a hypercall of `vcpu`, does `meanwhile` (operations of other vCPUs) while it is under way, and
  /// returns its result. Guest memory for the arguments is prepared before.
  int64_t during(Vcpu& vcpu, uint32_t number, std::initializer_list<uint64_t> args,
                 const std::function<void()>& meanwhile);

  /// The case ran but could not tell, for example because a race did not fire.
  [[noreturn]] void inconclusive(std::string_view why);
  /// The target turned out to lack what the case needs. Prefer `.needs` in the specification.
  [[noreturn]] void skip(std::string_view why);
  /// Evidence that a failure report should carry.
  void note(std::string text) { notes_.push_back(std::move(text)); }

  [[nodiscard]] Verdict verdict() const { return verdict_; }
  /// The first failure, or why the case was skipped or could not tell.
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  [[nodiscard]] uint64_t checks() const { return checks_; }
  /// Everything the guests of this case did, in words.
  [[nodiscard]] std::vector<CaseStep> steps() const { return steps_ ? steps_->taken() : std::vector<CaseStep>(); }

 private:
  template <typename A, typename B>
  static bool same(const A& a, const B& b) {
    if constexpr (std::integral<A> && std::integral<B> && !std::same_as<A, bool> && !std::same_as<B, bool>) {
      return std::cmp_equal(a, b);
    } else {
      return a == b;
    }
  }
  bool decide(bool held, std::string_view what, std::string_view relation, const std::string& expected,
              const std::string& actual);
  void conclude(Verdict verdict, std::string message);
  Domain& nth_guest(size_t index);

  Target& target_;
  const CaseSpec& spec_;
  GuestType type_;
  uint64_t seed_;
  std::shared_ptr<CaseSteps> steps_;
  std::vector<Domain*> guests_;
  Verdict verdict_ = Verdict::kPass;
  std::string message_;
  std::vector<std::string> notes_;
  uint64_t checks_ = 0;
  uint64_t round_ = 0;  ///< of interleave; 0 = none
};

}  // namespace assay
