#include "conformance/guest/console_ops.hpp"

#include <algorithm>

#include "sim/abi/xen.hpp"

namespace assay {

int64_t ConsoleOps::write(std::string_view text) {
  if (text.size() > kPageSize) throw HarnessFault("the text is longer than the scratch page");
  if (memory_.vcpu().write_bytes(memory_.va(), std::as_bytes(std::span(text)))) {
    throw HarnessFault("cannot write the console text");
  }
  return raw(CONSOLEIO_write, text.size(), memory_.va());
}

ConsoleRead ConsoleOps::read(uint32_t bytes) {
  const int64_t result = raw(CONSOLEIO_read, bytes, memory_.va());
  const auto got = static_cast<size_t>(std::clamp<int64_t>(result, 0, kPageSize));
  std::string text(got, '\0');
  if (got != 0 && memory_.vcpu().read_bytes(memory_.va(), std::as_writable_bytes(std::span(text)))) {
    throw HarnessFault("cannot read the console text back");
  }
  return {result, text};
}

int64_t ConsoleOps::raw(uint64_t command, uint64_t count, Gva buffer) {
  return memory_.vcpu().hypercall(__HYPERVISOR_console_io, {command, count, buffer.raw()});
}

}  // namespace assay
