#include "hv/base/testing/fake_host.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>

namespace hv::testing {

namespace {

FakeHost& self(void* ctx) {
  return *static_cast<FakeHost*>(ctx);
}

uint8_t* zeroed(uint64_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  return static_cast<uint8_t*>(memory);
}

uint64_t fake_now(void* ctx) {
  return self(ctx).now_ns;
}

void fake_set_timer(void* ctx, uint32_t pcpu, uint64_t deadline_ns) {
  self(ctx).timers.at(pcpu) = deadline_ns;
}

void fake_signal(void* ctx, uint32_t pcpu) {
  ++self(ctx).signals.at(pcpu);
}

void fake_console_write(void* ctx, const char* text, uint64_t bytes) {
  self(ctx).console.append(text, bytes);
}

uint64_t fake_console_read(void* ctx, char* text, uint64_t bytes) {
  std::string& typed = self(ctx).keyboard;
  const uint64_t count = std::min<uint64_t>(bytes, typed.size());
  std::copy_n(typed.begin(), count, text);
  typed.erase(0, count);
  return count;
}

void fake_trace(void*, uint32_t, const uint64_t*, uint32_t) {}

void fake_point(void* ctx, uint32_t kind, const void* object) {
  if (self(ctx).on_point) self(ctx).on_point(kind, object);
}

void fake_suspend(void* ctx) {
  self(ctx).now_ns += self(ctx).sleep_ns;
}

void fake_panic(void*, const char* message) {
  throw Panic{message};
}

}  // namespace

FakeHost::FakeHost(uint64_t frames, uint32_t pcpus, uint64_t arena_bytes) : timers(pcpus, kNever), signals(pcpus, 0) {
  host_.major = ASSAY_PORT_MAJOR;
  host_.minor = ASSAY_PORT_MINOR;
  host_.ctx = this;
  host_.memory = zeroed(frames * kPageSize);
  host_.frames = frames;
  host_.arena = zeroed(arena_bytes);
  host_.arena_bytes = arena_bytes;
  host_.pcpus = pcpus;
  host_.tsc_khz = 1'000'000;
  host_.wallclock_s = 1'700'000'000;
  host_.now_ns = fake_now;
  host_.set_timer = fake_set_timer;
  host_.signal = fake_signal;
  host_.console_write = fake_console_write;
  host_.console_read = fake_console_read;
  host_.trace = fake_trace;
  host_.point = fake_point;
  host_.panic = fake_panic;
  host_.threads_per_core = 1;
  host_.cores_per_socket = pcpus;
  host_.suspend = fake_suspend;
  set_host(&host_);
  arena_init();
}

FakeHost::~FakeHost() {
  munmap(host_.memory, host_.frames * kPageSize);
  munmap(host_.arena, host_.arena_bytes);
  set_host(nullptr);
}

}  // namespace hv::testing
