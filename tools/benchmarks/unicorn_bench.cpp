/// Guests of machine code beside what Unicorn alone does with the same code.
#include <benchmark/benchmark.h>
#include <unicorn/unicorn.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "sim/abi/xen.hpp"
#include "sim/base/paths.hpp"
#include "sim/run/debugger.hpp"
#include "sim/run/guest_run.hpp"
#include "sim/run/testing/tiny_kernel.hpp"

namespace {

using assay::testing::Code;
using assay::testing::kTinyKernelAt;

constexpr uint64_t kStackTop = kTinyKernelAt + 0x4000;
constexpr uint64_t kInstructionsPerTurn = 16;
constexpr uint64_t kForever = ~0ull;

/// rbx times: eight additions and exclusive ors, two leas, three loads, a test, dec, jnz: sixteen.
Code straight_line() {
  Code code;
  code.bytes({0x48, 0xc7, 0xc1}).imm32(static_cast<uint32_t>(kTinyKernelAt + 0x2000));  // mov $data, %rcx
  const size_t top = code.size();
  for (int i = 0; i < 4; ++i) code.bytes({0x48, 0x01, 0xc2, 0x48, 0x31, 0xd0});    // add %rax,%rdx; xor %rdx,%rax
  code.bytes({0x48, 0x8d, 0x74, 0x02, 0x08, 0x48, 0x8d, 0x7c, 0x30, 0x10});        // lea, lea
  code.bytes({0x48, 0x8b, 0x01, 0x48, 0x8b, 0x51, 0x08, 0x4c, 0x8b, 0x41, 0x10});  // three loads
  code.bytes({0x48, 0x85, 0xc0});                                                  // test %rax,%rax
  code.bytes({0x48, 0xff, 0xcb});                                                  // dec %rbx
  code.bytes({0x75, static_cast<uint8_t>(top - code.size() - 2)});                 // jnz top
  return code;
}

void on_block(uc_engine*, uint64_t, uint32_t, void*) {}
void on_syscall(uc_engine* uc, void*) {
  uc_emu_stop(uc);
}

/// Unicorn with the code in memory at the place where a guest would have it.
class Bare {
 public:
  explicit Bare(const Code& code) {
    if (uc_open(UC_ARCH_X86, UC_MODE_64, &uc_) != UC_ERR_OK) throw std::runtime_error("Unicorn");
    uc_mem_map(uc_, kTinyKernelAt, 0x4000, UC_PROT_ALL);
    uc_mem_write(uc_, kTinyKernelAt, code.all().data(), code.size());
    end_ = kTinyKernelAt + code.size();
    uc_hook hook{};
    uc_hook_add(uc_, &hook, UC_HOOK_BLOCK, reinterpret_cast<void*>(on_block), nullptr, 1, 0);
    uc_hook_add(uc_, &hook, UC_HOOK_INSN, reinterpret_cast<void*>(on_syscall), nullptr, 1, 0, UC_X86_INS_SYSCALL);
    uint64_t stack = kStackTop;
    uc_reg_write(uc_, UC_X86_REG_RSP, &stack);
  }
  ~Bare() { uc_close(uc_); }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;

  void run(uint64_t rbx) {
    uc_reg_write(uc_, UC_X86_REG_RBX, &rbx);
    uc_emu_start(uc_, kTinyKernelAt, end_, 0, 0);
  }

 private:
  uc_engine* uc_ = nullptr;
  uint64_t end_ = 0;
};

/// A guest that runs the code, and a file for it.
class Guest {
 public:
  explicit Guest(const Code& code) {
    path_ = std::filesystem::temp_directory_path() / ("assay-bench-" + std::to_string(::getpid()) + ".elf");
    assay::testing::write_file(path_, assay::testing::tiny_kernel(code.all(), assay::GuestType::kPv64));
    assay::GuestRunInputs inputs;
    inputs.core = assay::artifact("hv.so");
    inputs.kernel = path_;
    inputs.memory_mib = 16;
    run_ = std::make_unique<assay::GuestRun>(inputs);
  }
  ~Guest() { std::filesystem::remove(path_); }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  assay::GuestRun& run() { return *run_; }

 private:
  std::filesystem::path path_;
  std::unique_ptr<assay::GuestRun> run_;
};

void advance(benchmark::State& state, assay::GuestRun& run, uint64_t ns) {
  if (run.advance(run.now_ns() + ns) == assay::GuestEnd::kRunning) return;
  state.SkipWithError(("the guest ended: " + run.hypervisor_console()).c_str());
}

void UnicornBareCode(benchmark::State& state) {
  constexpr uint64_t kTurns = 1'000'000;
  Bare bare(straight_line());
  for (auto _ : state) bare.run(kTurns);
  state.SetItemsProcessed(static_cast<int64_t>(kTurns * kInstructionsPerTurn) * state.iterations());
}

void GuestCode(benchmark::State& state) {
  Code code;
  code.rbx(kForever);
  code.append(straight_line());
  Guest runs(code);
  constexpr uint64_t kTurnNs = 16'000'000;
  runs.run().advance(runs.run().now_ns() + kTurnNs);
  const uint64_t before = runs.run().instructions();
  for (auto _ : state) advance(state, runs.run(), kTurnNs);
  state.SetItemsProcessed(static_cast<int64_t>(runs.run().instructions() - before));
}

/// xor %edi, %edi; xor %esi, %esi; mov $17, %eax; syscall; dec %rbx; jnz back
Code trivial_calls() {
  Code code;
  code.rbx(kForever);
  const size_t top = code.size();
  code.bytes({0x31, 0xff, 0x31, 0xf6, 0xb8}).imm32(__HYPERVISOR_xen_version).syscall();
  code.bytes({0x48, 0xff, 0xcb, 0x75, static_cast<uint8_t>(top - code.size() - 5)});
  return code;
}

void UnicornBareSyscall(benchmark::State& state) {
  uc_engine* uc = nullptr;
  if (uc_open(UC_ARCH_X86, UC_MODE_64, &uc) != UC_ERR_OK) throw std::runtime_error("Unicorn");
  const Code code = trivial_calls();
  uc_mem_map(uc, kTinyKernelAt, 0x4000, UC_PROT_ALL);
  uc_mem_write(uc, kTinyKernelAt, code.all().data(), code.size());
  uc_hook hook{};
  uc_hook_add(uc, &hook, UC_HOOK_INSN, reinterpret_cast<void*>(on_syscall), nullptr, 1, 0, UC_X86_INS_SYSCALL);
  uint64_t rip = kTinyKernelAt;
  for (auto _ : state) {
    uc_emu_start(uc, rip, kForever >> 1, 0, 0);
    uc_reg_read(uc, UC_X86_REG_RIP, &rip);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  uc_close(uc);
}

void GuestHypercall(benchmark::State& state) {
  Guest guest(trivial_calls());
  constexpr uint64_t kTurnNs = 1'000'000;
  constexpr uint64_t kInstructionsPerCall = 6;
  guest.run().advance(guest.run().now_ns() + kTurnNs);
  const uint64_t before = guest.run().instructions();
  for (auto _ : state) advance(state, guest.run(), kTurnNs);
  state.SetItemsProcessed(static_cast<int64_t>((guest.run().instructions() - before) / kInstructionsPerCall));
}

/// Steps back from places all over a run of 100 million instructions.
void ReverseStep(benchmark::State& state) {
  constexpr uint64_t kInstructions = 100'000'000;
  Code code;
  code.rbx(kInstructions / kInstructionsPerTurn);
  code.append(straight_line());
  code.shutdown(SHUTDOWN_poweroff);
  Guest guest(code);
  assay::Debugger debugger(guest.run(), kForever);
  debugger.go_to(kForever);
  const auto never = [] { return false; };
  uint64_t place = 0;
  for (auto _ : state) {
    state.PauseTiming();
    place = (place + 61'803'399) % kInstructions + 1;
    debugger.go_to(place);
    state.ResumeTiming();
    debugger.resume({assay::debug::Direction::kBackward, 1}, never);
    if (debugger.position() != place - 1) state.SkipWithError("it stands elsewhere");
  }
}

BENCHMARK(UnicornBareCode);
BENCHMARK(GuestCode);
BENCHMARK(UnicornBareSyscall);
BENCHMARK(GuestHypercall);
BENCHMARK(ReverseStep)->Unit(benchmark::kMillisecond)->Iterations(32);

}  // namespace
