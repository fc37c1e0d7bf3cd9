#include "sim/run/moving_kernel.hpp"

#include <utility>

namespace assay {

MovingKernel::MovingKernel(std::unique_ptr<GuestRun> first, std::filesystem::path onto)
    : run_(std::move(first)), elsewhere_(std::move(onto)) {}

void MovingKernel::move(uint64_t limit_ns) {
  if (run_->end() == GuestEnd::kRunning) {
    run_->ask_to_suspend();
    run_->advance(run_->now_ns() + limit_ns);
  }
  if (run_->end() != GuestEnd::kSuspend) {
    throw GuestUncooperative("the kernel was asked to suspend itself, by control/shutdown in the store, and is " +
                             std::string(to_string(run_->end())));
  }
  migration::MemorySink sent;
  const SavedGuest saved = run_->save(sent);
  report_ = run_->save_report();
  GuestRunInputs inputs = run_->inputs();
  std::swap(inputs.core, elsewhere_);
  migration::MemorySource source(sent.bytes());
  auto arrived = std::make_unique<GuestRun>(inputs, saved, source, run_->now_ns());
  left_.fold(run_->digest());
  run_ = std::move(arrived);
  ++moves_;
}

uint64_t MovingKernel::digest() const {
  MachineDigest all = left_;
  all.fold(run_->digest());
  return all.value();
}

}  // namespace assay
