/// Properties: random sequences of each family on a target, compared with the model, and what fails made small.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/sequence/tasks.hpp"

namespace assay::fuzz {

struct PropertyPlan {
  std::vector<const Family*> families;
  uint64_t seed = 1;
  size_t sequences = 1;  ///< of each family and type of guest
  size_t length = 1;     ///< operations of each
};

/// Sequence `i` of a family depends on the seed, the family, the type of guest and `i` alone.
std::vector<Task> tasks_of(const PropertyPlan& plan);

struct Counterexample {
  Task task;
  std::string message;
  std::vector<std::string> code;  ///< as a case, see as_case
  size_t length_before = 0;
  uint64_t tried = 0;       ///< sequences, to make it small
  bool is_minimal = false;  ///< false: time was up, or it fails only now and then
  std::chrono::milliseconds spent{0};
};

/// How to run what is tried on the way to a small one.
struct ShrinkSettings {
  TargetFactory make_target;
  RunOptions options;
  size_t batch = 64;
  std::chrono::seconds limit{30};
};

/// `failing` is what run_tasks said of `task`.
Counterexample make_small(const Task& task, const TaskResult& failing, const ShrinkSettings& settings);

/// Two targets played the same: where they first differ, counted from 0; the operations played when they do not.
size_t first_difference(const TaskResult& one, const TaskResult& two);
bool differ(const TaskResult& one, const TaskResult& two);

}  // namespace assay::fuzz
