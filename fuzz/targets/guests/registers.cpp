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
      for (const Call& call : calls_from(input)) callers_.at(call.actor % callers_.size()).make(call);
      stage_.check(input);
    } catch (const TargetDied& died) {
      must(false, std::string("the core died: ") + died.what());
    }
  }

 private:
  void prepare(HostTarget& target) {
    callers_.clear();
    GuestSpec spec;
    spec.type = GuestType::kPv64;
    Domain& pv = target.create_guest(spec);
    spec.type = GuestType::kPvh;
    Domain& pvh = target.create_guest(spec);
    callers_ = {Caller(pv, pvh.id(), kCallPatienceNs), Caller(pvh, pv.id(), kCallPatienceNs)};
  }
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
