#include "tools/python/staged_machine.hpp"

#include <stdexcept>
#include <utility>

#include "sim/scenario/host_options.hpp"

namespace assay::python {

StagedMachine::StagedMachine(scenario::Scenario scenario, const std::filesystem::path& core,
                             const std::string& command_line, uint64_t seed, PythonSide::Wishes wishes)
    : scenario_(std::move(scenario)),
      seed_(seed),
      core_(core),
      session_(core_, scenario::host_options(scenario_, core, command_line)),
      side_(scenario_, std::move(wishes)) {
  side_.stop_by(stop_);
  start();
}

StagedMachine::~StagedMachine() = default;

void StagedMachine::start() {
  is_broken_ = true;
  stage_.reset();
  session_.rewind(seed_);
  stage_ = std::make_unique<scenario::Stage>(scenario_, session_, seed_, &side_);
  stage_->begin();
  done_.clear();
  is_broken_ = false;
}

void StagedMachine::check_whole() const {
  if (!is_broken_) return;
  throw std::runtime_error(
      "this machine ended in the middle of something, by an exception: go_back() to a snapshot, or make another one");
}

void StagedMachine::play(const Snapshot::Operation& operation) {
  is_broken_ = true;
  if (operation.action) {
    stage_->perform(*operation.action);
  } else {
    stop_ = false;
    side_.log().call_at(operation.until_event, [this] { stop_ = true; });
    stage_->machine().run_until(stop_, operation.until_ns);
    side_.log().call_at(EventLog::kNoEvent, {});
  }
  is_broken_ = false;
}

void StagedMachine::apply(Snapshot::Operation operation) {
  check_whole();
  try {
    play(operation);
  } catch (const ToolstackError&) {
    // Refused, as it will be each time.
    is_broken_ = false;
    done_.push_back(std::move(operation));
    throw;
  }
  // However it came to stop: another time it stops at the same event.
  if (stop_ && !operation.action) operation.until_event = side_.log().count();
  done_.push_back(std::move(operation));
  side_.rethrow_interruption();
  side_.raise_violation();
}

void StagedMachine::run(uint64_t ns) {
  apply({.until_ns = stage_->now_ns() + ns});
}

uint64_t StagedMachine::step(uint64_t within_ns) {
  const uint64_t before = side_.log().count();
  apply({.until_ns = stage_->now_ns() + within_ns, .until_event = before + 1});
  return side_.log().count() - before;
}

void StagedMachine::perform(const scenario::Action& action) {
  apply({.action = action});
}

StagedMachine::Snapshot StagedMachine::snapshot() const {
  check_whole();
  Snapshot snapshot;
  snapshot.machine_ = this;
  snapshot.operations_ = done_;
  snapshot.digest_ = digest();
  snapshot.now_ns_ = side_.look().now_ns();
  return snapshot;
}

void StagedMachine::go_back(const Snapshot& snapshot) {
  if (snapshot.machine_ != this) throw std::invalid_argument("a snapshot of another machine");
  const std::vector<Snapshot::Operation> operations = snapshot.operations_;
  start();
  for (const Snapshot::Operation& operation : operations) {
    try {
      play(operation);
    } catch (const ToolstackError&) {
      is_broken_ = false;
    }
    done_.push_back(operation);
    side_.rethrow_interruption();
  }
  side_.pass_over_violations();
  if (digest() == snapshot.digest_) return;
  is_broken_ = true;
  throw std::runtime_error(
      "going back led elsewhere: a workload in Python does something else each time (other random numbers than "
      "vcpu.random, the time of day, or something that it keeps from one run to the next)");
}

}  // namespace assay::python
