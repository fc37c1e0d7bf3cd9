#include "fuzz/sequence/tasks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstring>
#include <stdexcept>

#include "conformance/runner/grade_case.hpp"
#include "fuzz/sequence/play.hpp"

namespace assay::fuzz {
namespace {

/// A variant for the runner: what to play follows from its number.
Variant variant_of(const Task& task, size_t index) {
  const std::vector<Variant> variants = variants_of({{task.family->spec, "", 0}});
  Variant variant = task.type == GuestType::kPv64 ? variants.front() : variants.back();
  variant.id = fmt::format("{}@{}#{}", task.family->name, to_string(task.type), index);
  return variant;
}

size_t index_of(const Variant& variant) {
  const std::string& id = variant.id;
  size_t index = 0;
  std::from_chars(id.data() + id.find('#') + 1, id.data() + id.size(), index);
  return index;
}

std::string bytes_of(const std::vector<uint64_t>& numbers) {
  std::string bytes(numbers.size() * sizeof(uint64_t), '\0');
  if (!bytes.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

CaseResult grade_task(Target& target, const Variant& variant, const Task& task, Keep keep, uint64_t seed) {
  Journal journal(keep);
  const auto body = [&](CaseContext& context) {
    play(*task.family, context, task.sequence, journal);
    if (journal.failed()) {
      context.fail(fmt::format("operation {}: {}", journal.steps(), journal.failure()));
    } else {
      context.check(true, "all as the model says");
    }
  };
  CaseResult result = grade_body(target, variant, seed, body, nullptr);
  // What a case would say otherwise, nobody wants of a sequence.
  result.evidence = bytes_of(journal.trace());
  result.notes = journal.code();
  result.console = to_bytes(journal.played());
  return result;
}

TaskResult take(CaseResult& result, const Family& family) {
  return {result.verdict,          std::move(result.message),
          trace_of(result),        sequence_from_bytes(family, result.console),
          std::move(result.notes), std::move(result.places_met)};
}

}  // namespace

std::vector<uint64_t> trace_of(const CaseResult& result) {
  std::vector<uint64_t> trace(result.evidence.size() / sizeof(uint64_t));
  if (trace.size() != result.console.size() / kOperationBytes) return {};  // it is what the worker said in the end
  if (!trace.empty()) std::memcpy(trace.data(), result.evidence.data(), trace.size() * sizeof(uint64_t));
  return trace;
}

TasksOutcome run_tasks(const TargetFactory& make_target, const std::vector<Task>& tasks, Keep keep, RunOptions options,
                       RunObserver& observer) {
  std::vector<Variant> variants;
  variants.reserve(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) variants.push_back(variant_of(tasks[i], i));
  options.grade = [&tasks, keep, seed = options.seed](Target& target, const Variant& variant) {
    return grade_task(target, variant, tasks[index_of(variant)], keep, seed);
  };
  TasksOutcome outcome;
  outcome.run = run_variants(make_target, variants, options, observer);
  for (size_t i = 0; i < tasks.size(); ++i) {
    auto& result = outcome.run.results[i];
    outcome.results.push_back(result ? std::optional(take(*result, *tasks[i].family)) : std::nullopt);
  }
  outcome.run.results.clear();
  return outcome;
}

std::string to_text(const Task& task) {
  return fmt::format("{}@{}: {}", task.family->name, to_string(task.type), to_text(*task.family, task.sequence));
}

Task task_from_text(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view head = text.substr(0, colon);
  const size_t at = head.find('@');
  const Family* const family = find_family(head.substr(0, at));
  if (colon == std::string_view::npos || at == std::string_view::npos) {
    throw std::invalid_argument("expected FAMILY@GUEST: OPERATION...");
  }
  if (family == nullptr) {
    throw std::invalid_argument(
        fmt::format("\"{}\" is no family; there are {}", head.substr(0, at), fmt::join(family_names(), ", ")));
  }
  const std::string_view type = head.substr(at + 1);
  if (type != "pv64" && type != "pvh") {
    throw std::invalid_argument(fmt::format("\"{}\" is no type of guest: pv64 or pvh", type));
  }
  return {family, type == "pv64" ? GuestType::kPv64 : GuestType::kPvh,
          sequence_from_text(*family, text.substr(colon + 1))};
}

}  // namespace assay::fuzz
