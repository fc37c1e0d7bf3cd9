#include "hv/base/host.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "hv/base/fault.hpp"

namespace hv {

const assay_host* detail::current_host = nullptr;

namespace {
/// What `now` has answered last; in the data segment, too.
Ns latest = 0;
constexpr int kLogLineMax = 256;
}  // namespace

void set_host(const assay_host* host) {
  detail::current_host = host;
  latest = 0;
}

uint32_t core_of(uint32_t pcpu) {
  return pcpu / host().threads_per_core;
}

Ns now() {
  const Ns read = host().now_ns(host().ctx);
  if (read > latest || fault("time.steps_back")) latest = read;
  return latest;
}

void signal(uint32_t pcpu) {
  host().signal(host().ctx, pcpu);
  host().point(host().ctx, ASSAY_POINT_SIGNAL_SENT, &host());
}

void wait_for_others(const void* object) {
  host().point(host().ctx, ASSAY_POINT_WAIT, object);
}

void panic(std::string_view message) {
  char text[kLogLineMax];
  std::snprintf(text, sizeof text, "%.*s", static_cast<int>(message.size()), message.data());
  host().panic(host().ctx, text);
  __builtin_trap();
}

void assertion_failed(const char* condition, const char* file, int line) {
  char text[kLogLineMax];
  std::snprintf(text, sizeof text, "Assertion '%s' failed at %s:%d", condition, file, line);
  panic(text);
}

void log(const char* format, ...) {
  char text[kLogLineMax];
  std::memcpy(text, "(XEN) ", 6);
  va_list args;
  va_start(args, format);
  const int wanted = std::vsnprintf(text + 6, sizeof text - 7, format, args);
  va_end(args);
  const size_t length = 6 + static_cast<size_t>(wanted < 0 ? 0 : (wanted < kLogLineMax - 8 ? wanted : kLogLineMax - 8));
  text[length] = '\n';
  host().console_write(host().ctx, text, length + 1);
}

}  // namespace hv
