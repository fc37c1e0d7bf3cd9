/// A bug that was put there: who does not find it finds nothing.
#include "fuzz/targets/fuzz_target.hpp"

namespace assay::fuzz {
namespace {

/// A blind guess has one chance in four billion; whoever sees which branches an input takes needs four steps.
void run(std::string_view input) {
  if (input.size() < 4 || input[0] != 'B' || input[1] != 'U' || input[2] != 'G' || input[3] != '!') return;
  must(false, "a canary lives");
}

const FuzzTarget kCanary{{
    .name = "canary",
    .reads = "four bytes that it cannot bear: the fuzzer must find them",
    .run = run,
    .bytes_max = 64,
    .is_canary = true,
}};

}  // namespace
}  // namespace assay::fuzz
