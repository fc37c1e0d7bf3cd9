/// Raw hypercalls of a PV64 and a PVH guest.
#include "fuzz/targets/guests/calls.hpp"
#include "fuzz/targets/guests/stage.hpp"

namespace assay::fuzz {
namespace {

constexpr uint64_t kCallPatienceNs = 2'000'000;

class Callers final : public InputPlayer {
 public:
  explicit Callers(HostTarget& core) : stage_(core, [this](HostTarget& target) { prepare(target); }) {}

  void play(std::string_view input, Care care) override {
    played_ = input;
    stage_.reset();
    for (Caller& caller : callers_) caller.begin();
    make_calls(callers_, calls_from(input));
    stage_.check(input, care);
  }
  [[nodiscard]] std::string played() const override { return played_; }

 private:
  void prepare(HostTarget& target) { callers_ = make_callers(target, kCallPatienceNs); }
  std::string played_;
  std::vector<Caller> callers_;
  Stage stage_;
};

}  // namespace

GuestTarget registers_target() {
  return {.name = "registers",
          .reads = "hypercalls with anything in their registers, of a PV64 and a PVH guest",
          .head_bytes = 0,
          .operation_bytes = kCallBytes,
          .operations_max = kCallsMax,
          .mutate = mutate_calls,
          .cross = cross_calls,
          .is_for_pvh = [](std::string_view) { return false; },
          .show = [](std::string_view input) { return show_bytes("registers", input); },
          .begin = [](HostTarget& core) -> std::unique_ptr<InputPlayer> { return std::make_unique<Callers>(core); }};
}

}  // namespace assay::fuzz
