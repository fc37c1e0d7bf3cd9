#include "fuzz/targets/guests/stage.hpp"

#include "sim/abi/xen.hpp"
#include "sim/engine/machine_digest.hpp"

namespace assay::fuzz {
namespace {

/// An audit takes as long as some hundred sequences.
constexpr uint64_t kAuditOneIn = 256;

}  // namespace

bool is_looked_at(std::string_view input, uint64_t count, Care care) {
  if (care == Care::kAll) return true;
  MachineDigest digest;
  digest.fold_bytes(std::as_bytes(std::span(input)));
  return digest.value() % count == 0;
}

Stage::Stage(HostTarget& target, Prepare prepare) : target_(target), prepare_(std::move(prepare)) {
  this->prepare();
}

void Stage::prepare() {
  moment_.reset();
  target_.begin_case(1);
  prepare_(target_);
  moment_ = target_.take_moment();
}

bool Stage::reset() {
  if (moment_ != nullptr && target_.go_back(*moment_)) return true;
  prepare();
  return false;
}

void Stage::check(std::string_view input, Care care) {
  if (target_.dom0().vcpu(0).hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}) <= 0) {
    throw Broken("domain 0 goes on");
  }
  if (!is_looked_at(input, kAuditOneIn, care)) return;
  const std::string broken = target_.audit();
  if (!broken.empty()) throw Broken("the core's audit: " + broken);
}

}  // namespace assay::fuzz
