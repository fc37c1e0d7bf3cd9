#include "fuzz/targets/guests/stage.hpp"

#include "fuzz/targets/fuzz_target.hpp"
#include "sim/abi/xen.hpp"
#include "sim/base/paths.hpp"
#include "sim/engine/machine_digest.hpp"

namespace assay::fuzz {
namespace {

/// An audit takes as long as some hundred sequences.
constexpr uint64_t kAuditOneIn = 256;

HostOptions small_machine() {
  HostOptions options;
  options.core = artifact("hv.so");
  options.pcpus = 4;
  options.memory_bytes = 64ull << 20;
  options.dom0_bytes = 32ull << 20;
  options.claimed = {Capability::kTwoGuests};
  return options;
}

}  // namespace

bool is_one_in(std::string_view input, uint64_t count) {
  MachineDigest digest;
  digest.fold_bytes(std::as_bytes(std::span(input)));
  return digest.value() % count == 0;
}

Stage::Stage(Prepare prepare) : target_(make_host_target(small_machine())), prepare_(std::move(prepare)) {
  this->prepare();
}

void Stage::prepare() {
  target_->begin_case(1);
  prepare_(*target_);
  moment_ = target_->take_moment();
}

bool Stage::reset() {
  if (target_->go_back(*moment_)) return true;
  prepare();
  return false;
}

void Stage::check(std::string_view input) {
  must(target_->dom0().vcpu(0).hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}) > 0, "domain 0 goes on");
  if (!is_one_in(input, kAuditOneIn)) return;
  const std::string broken = target_->audit();
  must(broken.empty(), "the core's audit: " + broken);
}

}  // namespace assay::fuzz
