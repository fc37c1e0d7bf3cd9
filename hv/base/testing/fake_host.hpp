/// A host for unit tests: memory, arena, a clock that the test moves, and what the core said and asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "hv/base/arena.hpp"
#include "hv/base/host.hpp"
#include "sim/port/port.h"

namespace hv::testing {

/// The core found itself broken. Thrown by the fake `panic`; only tests that expect it survive.
struct Panic {
  std::string message;
};

class FakeHost {
 public:
  static constexpr uint64_t kFrames = 8192;
  static constexpr uint64_t kArenaBytes = 4u << 20;

  explicit FakeHost(uint64_t frames = kFrames, uint32_t pcpus = 2, uint64_t arena_bytes = kArenaBytes);
  ~FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  [[nodiscard]] const assay_host& port() const { return host_; }

  /// Threads of each core, before the core looks for the first time.
  void set_threads(uint32_t threads_per_core) {
    host_.cores_per_socket = host_.pcpus / threads_per_core;
    host_.threads_per_core = threads_per_core;
  }

  Ns now_ns = 0;
  Ns sleep_ns = 0;                                                  ///< how long a suspended machine sleeps
  std::vector<Ns> timers;                                           ///< per pCPU: the last deadline set
  std::vector<uint32_t> signals;                                    ///< per pCPU: signals sent
  std::string console;                                              ///< what the core wrote
  std::string keyboard;                                             ///< what console_read will give
  std::function<void(uint32_t kind, const void* object)> on_point;  ///< scheduling points; may be empty

 private:
  assay_host host_{};
};

}  // namespace hv::testing
