/// What a vCPU does next: workloads as small state machines, without machine code.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/engine/rng.hpp"
#include "sim/scenario/scenario.hpp"

namespace assay::scenario {

struct Step {
  enum class Kind : uint8_t {
    kCompute,     ///< for `ns` of processor time
    kSpin,        ///< forever
    kSleepUntil,  ///< virtual time `ns`: a singleshot timer and SCHEDOP_block
    kAwait,       ///< an event from another vCPU: SCHEDOP_block
    kYield,       ///< SCHEDOP_yield
    kPoll,        ///< SCHEDOP_poll of the own port, until `ns` at most
    kSend,        ///< an event to vCPU `peer` of the own domain
    kHalt,        ///< SCHEDOP_block, whatever comes
    kGrowTable,   ///< one frame more of the grant table, GNTTABOP_setup_table
    kWrite,       ///< to page `page` of its working set
  };
  Kind kind = Kind::kHalt;
  uint64_t ns = 0;
  uint32_t peer = 0;
  uint32_t page = 0;
};

/// What the vCPUs of a domain share.
struct Together {
  static constexpr uint32_t kNobody = UINT32_MAX;
  uint32_t lock_holder = kNobody;
};

/// Jobs of a periodic workload.
struct JobCount {
  uint64_t done = 0;
  uint64_t missed = 0;
  uint64_t last_miss_ns = 0;
};

class Workload {
 public:
  Workload() = default;
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;
  virtual ~Workload() = default;
  /// The step before is done.
  virtual Step next(uint64_t now_ns) = 0;
  [[nodiscard]] virtual JobCount jobs(uint64_t /*now_ns*/) const { return {}; }
};

/// `rng` is this vCPU's own stream. `together` outlives the workload.
std::unique_ptr<Workload> make_workload(const DomainSpec& domain, uint32_t vcpu, const Rng& rng, Together& together);

}  // namespace assay::scenario
