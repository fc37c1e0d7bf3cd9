/// Guests of a target that are suspended, saved and restored there, with a pattern in their memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/target/target.hpp"
#include "sim/toolstack/migration/migration.hpp"
#include "sim/toolstack/migration/records.hpp"

namespace assay::migration::testing {

/// A target whose guests are machine code: what they know is in registers and memory.
struct MovingTarget {
  std::unique_ptr<Target> target;
  std::string reason;  ///< why there is none
};
MovingTarget boot_moving_target();
MovingTarget boot_moving_hv();
/// Its guests cannot be taken over: they can be saved and restored, and go on where they were.
MovingTarget boot_direct_hv();
MovingTarget boot_moving_xen();

class Moving {
 public:
  /// Until the next begin_case.
  explicit Moving(Target& target, GuestType type = GuestType::kPv64, uint32_t vcpus = 1)
      : target_(target), type_(type), vcpus_(vcpus), host_(target.dom0()) {}

  Host& host() { return host_; }
  Domain& create();
  /// Stamps pages of the guest's heap, and says where they are in its memory; check() says what is wrong with them.
  void fill(Domain& guest);
  std::string check(Domain& guest);
  /// Until the hypervisor says that it is.
  void suspend(Domain& guest);
  /// `given_up`: pages of the guest that something of the hypervisor's has taken the place of, but for shared_info.
  Bytes save(Domain& guest, uint64_t given_up = 0);
  /// Paused.
  RestoredDomain restore(const Bytes& stream);
  RestoredDomain restore(ByteSource& source) { return host_.restore(spec(), source); }
  /// It runs from here on.
  Domain& adopt(const RestoredDomain& restored, const GuestSpace& space, Gva heap);

 private:
  [[nodiscard]] GuestSpec spec() const;

  Target& target_;
  GuestType type_;
  uint32_t vcpus_;
  Host host_;
};

}  // namespace assay::migration::testing
