/// console_io as one vCPU issues it.
#pragma once

#include <string>
#include <string_view>

#include "conformance/guest/scratch.hpp"

namespace assay {

struct ConsoleRead {
  int64_t result;    ///< bytes read, or a negative errno
  std::string text;  ///< empty on an error
};

class ConsoleOps {
 public:
  explicit ConsoleOps(Vcpu& vcpu) : memory_(vcpu) {}

  int64_t write(std::string_view text);
  ConsoleRead read(uint32_t bytes);
  /// Any command, count and pointer.
  int64_t raw(uint64_t command, uint64_t count, Gva buffer);

 private:
  Scratch memory_;
};

}  // namespace assay
