#include "sim/engine/core_trap.hpp"

#include <ucontext.h>

#include <array>
#include <cstddef>
#include <cstdlib>

namespace assay {

namespace {

constexpr std::array kSignals = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
constexpr greg_t kPageFaultWrite = 2;

thread_local CoreTrapTarget* current = nullptr;
std::array<struct sigaction, kSignals.size()> earlier;

/// A fault outside of a core is ours: hand it back and let the instruction fault again.
void restore_earlier(int signal_number) {
  for (size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] == signal_number) sigaction(signal_number, &earlier[i], nullptr);
  }
  if (signal_number == SIGABRT) raise(signal_number);
}

void handle(int signal_number, siginfo_t* info, void* context) {
  if (current == nullptr || !current->in_core()) {
    restore_earlier(signal_number);
    return;
  }
  const auto* const machine = static_cast<const ucontext_t*>(context);
  CoreFault fault;
  fault.signal_number = signal_number;
  fault.address = reinterpret_cast<uintptr_t>(info->si_addr);
  fault.rip = static_cast<uintptr_t>(machine->uc_mcontext.gregs[REG_RIP]);
  fault.is_write = (machine->uc_mcontext.gregs[REG_ERR] & kPageFaultWrite) != 0;
  current->on_core_fault(fault);
}

/// The fault may be an overflow of the stack in use, so the handler has one of its own.
void install_stack() {
  constexpr size_t kStackBytes = 65536;
  alignas(16) static thread_local std::array<std::byte, kStackBytes> storage;
  stack_t stack{};
  stack.ss_sp = storage.data();
  stack.ss_size = storage.size();
  sigaltstack(&stack, nullptr);
}

void install() {
  struct sigaction action {};
  action.sa_sigaction = handle;
  // The handler is left by a jump, so the signal must not stay blocked.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction before {};
    sigaction(kSignals[i], &action, &before);
    if (before.sa_sigaction != handle) earlier[i] = before;
  }
}

}  // namespace

CoreTrapScope::CoreTrapScope(CoreTrapTarget& target) : outer_(current) {
  static thread_local const bool stack_ready = (install_stack(), true);
  static const bool ready = (install(), true);
  static_cast<void>(stack_ready);
  static_cast<void>(ready);
  current = &target;
}

CoreTrapScope::~CoreTrapScope() {
  current = outer_;
}

}  // namespace assay
