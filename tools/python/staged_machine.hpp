/// A machine that is played by hand, from Python: built like a scenario's, then run as far as one likes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/scenario/scenario.hpp"
#include "sim/scenario/stage.hpp"
#include "sim/target/host/session.hpp"
#include "tools/python/python_side.hpp"

namespace assay::python {

class StagedMachine {
 public:
  /// What has been done to the machine so far, and where that led. It can always be reached again: the same seed and
  /// the same operations make the same run.
  class Snapshot {
   public:
    [[nodiscard]] uint64_t digest() const { return digest_; }
    [[nodiscard]] uint64_t now_ns() const { return now_ns_; }

   private:
    friend class StagedMachine;
    struct Operation {
      uint64_t until_ns = 0;
      uint64_t until_event = EventLog::kNoEvent;
      std::optional<scenario::Action> action{};
    };
    const StagedMachine* machine_ = nullptr;
    std::vector<Operation> operations_;
    uint64_t digest_ = 0;
    uint64_t now_ns_ = 0;
  };

  /// Boots the core, builds the domains and lets them run. Throws CoreRefused, TargetDied, ToolstackError.
  StagedMachine(scenario::Scenario scenario, const std::filesystem::path& core, const std::string& command_line,
                uint64_t seed, PythonSide::Wishes wishes);
  StagedMachine(const StagedMachine&) = delete;
  StagedMachine& operator=(const StagedMachine&) = delete;
  ~StagedMachine();

  // Each of these throws CoreDied or TargetDied when the core dies, and what Python raises. After that, and until
  // go_back(), they throw std::runtime_error.
  void run(uint64_t ns);
  /// To the next scheduling event, `within_ns` at most; how many there were.
  uint64_t step(uint64_t within_ns);
  /// Throws ToolstackError when the core refuses it.
  void perform(const scenario::Action& action);

  [[nodiscard]] Snapshot snapshot() const;
  /// Throws std::invalid_argument for a snapshot of another machine, std::runtime_error when what Python does there
  /// is not the same each time.
  void go_back(const Snapshot& snapshot);

  [[nodiscard]] uint64_t digest() const { return session_.machine().digest(); }
  [[nodiscard]] uint64_t exits() const { return session_.machine().exits(); }
  [[nodiscard]] uint64_t switches() const { return stage_->watch().switches(); }
  [[nodiscard]] std::string console() const { return session_.console(); }
  [[nodiscard]] std::string describe() const { return session_.machine().describe(); }
  [[nodiscard]] const scenario::Scenario& scenario() const { return scenario_; }
  [[nodiscard]] PythonSide& side() { return side_; }

 private:
  void start();
  void apply(Snapshot::Operation operation);
  void play(const Snapshot::Operation& operation);
  void check_whole() const;

  scenario::Scenario scenario_;
  uint64_t seed_;
  CoreObject core_;
  host::Session session_;
  PythonSide side_;
  bool stop_ = false;
  bool is_broken_ = false;  ///< it ended in the middle of something
  std::unique_ptr<scenario::Stage> stage_;
  std::vector<Snapshot::Operation> done_;
};

}  // namespace assay::python
