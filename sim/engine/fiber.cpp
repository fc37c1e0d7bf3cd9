#include "sim/engine/fiber.hpp"

#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASSAY_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ASSAY_ASAN 1
#endif
#ifdef ASSAY_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace assay {

namespace {

constexpr size_t kGuardBytes = 4096;

#ifdef ASSAY_ASAN
void before_switch(void** fake_stack, const void* bottom, size_t bytes) {
  __sanitizer_start_switch_fiber(fake_stack, bottom, bytes);
}
void after_switch(void* fake_stack, const void** bottom, size_t* bytes) {
  __sanitizer_finish_switch_fiber(fake_stack, bottom, bytes);
}
void forget_stack(std::byte* start, size_t bytes) {
  __asan_unpoison_memory_region(start, bytes);
}
#else
void before_switch(void**, const void*, size_t) {}
void after_switch(void*, const void**, size_t*) {}
void forget_stack(std::byte*, size_t) {}
#endif

}  // namespace

Fiber::Fiber(size_t stack_bytes, Body body, void* argument)
    : mapped_bytes_(stack_bytes + 2 * kGuardBytes), body_(body), argument_(argument) {
  void* const region = mmap(nullptr, mapped_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (region == MAP_FAILED) throw std::bad_alloc();
  mapped_ = static_cast<std::byte*>(region);
  if (mprotect(mapped_ + kGuardBytes, stack_bytes, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapped_, mapped_bytes_);
    throw std::bad_alloc();
  }
  restart();
}

Fiber::~Fiber() {
  munmap(mapped_, mapped_bytes_);
}

void Fiber::restart() {
  const size_t stack_bytes = mapped_bytes_ - 2 * kGuardBytes;
  std::byte* const bottom = mapped_ + kGuardBytes;
  forget_stack(bottom, stack_bytes);
  fake_inside_ = nullptr;
  inside_ = boost::context::detail::make_fcontext(bottom + stack_bytes, stack_bytes, [](auto transfer) {
    auto* const self = static_cast<Fiber*>(transfer.data);
    self->outside_ = transfer.fctx;
    start(self);
  });
}

void Fiber::start(void* self) {
  auto* const fiber = static_cast<Fiber*>(self);
  fiber->switched_in();
  fiber->body_(fiber->argument_);
  std::abort();  // a body that returns has nowhere to go
}

void Fiber::switched_in() {
  after_switch(fake_inside_, &outside_bottom_, &outside_bytes_);
}

void Fiber::resume() {
  before_switch(&fake_outside_, mapped_ + kGuardBytes, mapped_bytes_ - 2 * kGuardBytes);
  inside_ = boost::context::detail::jump_fcontext(inside_, this).fctx;
  after_switch(fake_outside_, nullptr, nullptr);
}

void Fiber::leave() {
  before_switch(&fake_inside_, outside_bottom_, outside_bytes_);
  outside_ = boost::context::detail::jump_fcontext(outside_, this).fctx;
  switched_in();
}

void Fiber::abandon() {
  before_switch(nullptr, outside_bottom_, outside_bytes_);
  boost::context::detail::jump_fcontext(outside_, this);
  std::abort();
}

bool Fiber::holds(uintptr_t address) const {
  const auto start = reinterpret_cast<uintptr_t>(mapped_);
  return address >= start && address - start < mapped_bytes_;
}

}  // namespace assay
