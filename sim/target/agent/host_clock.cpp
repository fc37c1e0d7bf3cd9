#include "sim/target/agent/host_clock.hpp"

#include <sched.h>
#include <sys/prctl.h>

#include <cerrno>
#include <ctime>

namespace assay::agents {

namespace {
constexpr uint64_t kSecondNs = 1'000'000'000;
}

uint64_t host_now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * kSecondNs + static_cast<uint64_t>(now.tv_nsec);
}

void host_sleep_ns(uint64_t ns) {
  timespec left{static_cast<time_t>(ns / kSecondNs), static_cast<long>(ns % kSecondNs)};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

void make_sleeps_precise() {
  prctl(PR_SET_TIMERSLACK, 1UL);
}

unsigned host_cpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  return static_cast<unsigned>(CPU_COUNT(&allowed));
}

}  // namespace assay::agents
