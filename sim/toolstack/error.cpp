#include "sim/toolstack/error.hpp"

#include <cstring>

#include "sim/toolstack/toolstack.hpp"

namespace assay::toolstack {

std::string describe_result(int64_t result) {
  // The ABI's errno values are those of Linux (public/errno.h).
  const char* name = result < 0 && result > -4096 ? strerrorname_np(static_cast<int>(-result)) : nullptr;
  return std::to_string(result) + (name ? std::string(" (") + name + ")" : "");
}

int64_t must(int64_t result, const std::string& call) {
  if (result < 0) throw ToolstackError(call + " returned " + describe_result(result));
  return result;
}

void must_all(int64_t done, uint64_t wanted, const std::string& call) {
  must(done, call);
  if (static_cast<uint64_t>(done) != wanted) {
    throw ToolstackError(call + " did " + std::to_string(done) + " of " + std::to_string(wanted));
  }
}

}  // namespace assay::toolstack
