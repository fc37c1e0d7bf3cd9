/// Sequences of operations as text, and as bytes.
#include <stdexcept>

#include "fuzz/sequence/families.hpp"
#include "fuzz/sequence/tasks.hpp"
#include "fuzz/targets/fuzz_target.hpp"

namespace assay::fuzz {
namespace {

void read_sequences(std::string_view input) {
  for (const Family* const family : families()) {
    const Sequence sequence = sequence_from_bytes(*family, input);
    must(sequence_from_bytes(*family, to_bytes(sequence)) == sequence, "a sequence survives as bytes");
    const std::string text = to_text(*family, sequence);
    must(to_text(*family, sequence_from_text(*family, text)) == text, "a sequence survives as text");
  }
}

void read_task(std::string_view input) {
  try {
    const std::string text = to_text(task_from_text(input));
    must(to_text(task_from_text(text)) == text, "a task is read as it was written");
  } catch (const std::invalid_argument&) {
  }
}

std::vector<std::string> words() {
  std::vector<std::string> all{"@pv64: ", "@pvh: ", "@0(", ",65535)", "(0) "};
  for (const Family* const family : families()) {
    all.emplace_back(family->name);
    for (const OperationKind& kind : family->kinds) all.push_back(std::string(kind.name) + "@0(1)");
  }
  return all;
}

const FuzzTarget kSequence{{
    .name = "sequence_text",
    .reads = "sequences for `assay check --play`: as text, and as bytes",
    .run =
        [](std::string_view input) {
          read_sequences(input);
          read_task(input);
        },
    .bytes_max = 512,
    .words = words,
}};

}  // namespace
}  // namespace assay::fuzz
