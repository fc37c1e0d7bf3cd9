#include "sim/guest/agent/print.hpp"

#include "sim/guest/agent/agent.hpp"

namespace agent {

void Line::put(char c) {
  if (count_ < kBytesMax - 1) bytes_[count_++] = c;
}

Line& Line::text(const char* words) {
  for (; *words != '\0'; ++words) put(*words);
  return *this;
}

Line& Line::hex(uint64_t value) {
  text("0x");
  int shift = 60;
  while (shift > 0 && (value >> shift) == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) put("0123456789abcdef"[(value >> shift) & 15]);
  return *this;
}

Line& Line::dec(uint64_t value) {
  char digits[20];
  uint32_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  while (count > 0) put(digits[--count]);
  return *this;
}

void Line::print() {
  bytes_[count_++] = '\n';
  hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, count_, address_of(bytes_));
}

}  // namespace agent
