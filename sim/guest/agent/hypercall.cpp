#include "sim/guest/agent/agent.hpp"

namespace agent {

namespace {
/// Entries of the hypercall page, 32 bytes each; the one of iret is not a function.
constexpr uint64_t kPageEntries = 128;
constexpr uint64_t kEntryBytes = 32;
}  // namespace

uint64_t hypercall(uint64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6) {
  uint64_t rax = number;
  register uint64_t r10 asm("r10") = a4;
  register uint64_t r8 asm("r8") = a5;
  register uint64_t r9 asm("r9") = a6;
  if (number < kPageEntries && number != __HYPERVISOR_iret) {
    const uint64_t entry = address_of(hypercall_page) + number * kEntryBytes;
    asm volatile("call *%[entry]"
                 : "+a"(rax), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8), "+r"(r9)
                 : [entry] "r"(entry)
                 : "rcx", "r11", "memory");
  } else if (!is_pvh) {
    asm volatile("syscall"
                 : "+a"(rax), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8), "+r"(r9)
                 :
                 : "rcx", "r11", "memory");
  } else if (is_amd) {
    asm volatile("vmmcall" : "+a"(rax), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8), "+r"(r9) : : "memory");
  } else {
    asm volatile("vmcall" : "+a"(rax), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8), "+r"(r9) : : "memory");
  }
  return rax;
}

}  // namespace agent
