/// Raw hypercalls of a PV64 and a PVH guest on the bundled core.
#include "fuzz/targets/fuzz_target.hpp"
#include "fuzz/targets/guests/calls.hpp"
#include "fuzz/targets/guests/stage.hpp"

namespace assay::fuzz {
namespace {

constexpr uint64_t kCallPatienceNs = 2'000'000;

class Callers {
 public:
  Callers() : stage_([this](HostTarget& target) { prepare(target); }) {}
  void run(std::string_view input) {
    stage_.reset();
    for (Caller& caller : callers_) caller.begin();
    try {
      make_calls(callers_, calls_from(input));
      stage_.check(input);
    } catch (const TargetDied& died) {
      must(false, std::string("the core died: ") + died.what());
    }
  }

 private:
  void prepare(HostTarget& target) { callers_ = make_callers(target, kCallPatienceNs); }
  std::vector<Caller> callers_;
  Stage stage_;
};

void run(std::string_view input) {
  static Callers callers;
  callers.run(input);
}

const FuzzTarget kRegisters{{
    .name = "registers",
    .reads = "hypercalls with anything in their registers, of a PV64 and a PVH guest",
    .run = run,
    .bytes_max = kCallsMax * kCallBytes,
    .mutate = mutate_calls,
    .cross = cross_calls,
}};

}  // namespace
}  // namespace assay::fuzz
