#include "sim/engine/core_trap.hpp"

#include <ucontext.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace assay {

namespace {

constexpr std::array kSignals = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
constexpr greg_t kPageFaultWrite = 2;

thread_local CoreTrapTarget* current = nullptr;
std::array<std::atomic<WriteFaultTarget*>, WriteFaultScope::kScopesMax> watchers;
std::array<struct sigaction, kSignals.size()> earlier;

bool is_watched_write(const CoreFault& fault, int code) {
  if (fault.signal_number != SIGSEGV || code != SEGV_ACCERR || !fault.is_write) return false;
  const int saved_errno = errno;
  bool done = false;
  for (const auto& place : watchers) {
    WriteFaultTarget* const watcher = place.load(std::memory_order_acquire);
    done = done || (watcher != nullptr && watcher->on_write_fault(fault.address));
  }
  errno = saved_errno;
  return done;
}

/// A fault outside of a core is ours. An earlier handler is called, so that this one stays; without one, the default
/// is put back and the instruction faults again.
void hand_on(int signal_number, siginfo_t* info, void* context) {
  for (size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] != signal_number) continue;
    if ((earlier[i].sa_flags & SA_SIGINFO) != 0) return earlier[i].sa_sigaction(signal_number, info, context);
    if (earlier[i].sa_handler != SIG_DFL && earlier[i].sa_handler != SIG_IGN) {
      return earlier[i].sa_handler(signal_number);
    }
    sigaction(signal_number, &earlier[i], nullptr);
  }
  if (signal_number == SIGABRT) raise(signal_number);
}

CoreFault describe(int signal_number, const siginfo_t& info, const ucontext_t& machine) {
  CoreFault fault;
  fault.signal_number = signal_number;
  fault.address = reinterpret_cast<uintptr_t>(info.si_addr);
  fault.rip = static_cast<uintptr_t>(machine.uc_mcontext.gregs[REG_RIP]);
  fault.is_write = (machine.uc_mcontext.gregs[REG_ERR] & kPageFaultWrite) != 0;
  return fault;
}

void handle(int signal_number, siginfo_t* info, void* context) {
  const CoreFault fault = describe(signal_number, *info, *static_cast<const ucontext_t*>(context));
  if (is_watched_write(fault, info->si_code)) return;
  if (current == nullptr || !current->in_core()) return hand_on(signal_number, info, context);
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

void install_once() {
  static const bool ready = (install(), true);
  static_cast<void>(ready);
}

}  // namespace

CoreTrapScope::CoreTrapScope(CoreTrapTarget& target) : outer_(current) {
  static thread_local const bool stack_ready = (install_stack(), true);
  static_cast<void>(stack_ready);
  install_once();
  current = &target;
}

CoreTrapScope::~CoreTrapScope() {
  current = outer_;
}

WriteFaultScope::WriteFaultScope(WriteFaultTarget& target) : place_(0) {
  install_once();
  for (; place_ < watchers.size(); ++place_) {
    WriteFaultTarget* nobody = nullptr;
    if (watchers[place_].compare_exchange_strong(nobody, &target)) return;
  }
  throw std::length_error("more than " + std::to_string(kScopesMax) + " frozen memories");
}

WriteFaultScope::~WriteFaultScope() {
  watchers[place_] = nullptr;
}

}  // namespace assay
