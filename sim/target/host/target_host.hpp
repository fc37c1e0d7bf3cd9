/// Target `hv` and any other core behind the port: in process, in virtual time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sim/target/target.hpp"

namespace assay {

struct BuiltGuest;

struct HostOptions {
  enum class Policy : uint8_t {
    kNeverSwitch,  ///< pCPUs alternate between exits only
    kRandomWalk,   ///< and at scheduling points inside the core, by the case's seed
  };

  enum class Guests : uint8_t {
    kDirect,   ///< do what the agent does, without machine code: the fastest
    kUnicorn,  ///< execute the agent's machine code
  };

  std::filesystem::path core;         ///< the shared object
  std::filesystem::path dom0_image;   ///< empty: agent-dom0.elf beside the program
  std::filesystem::path guest_image;  ///< empty: agent.elf beside the program
  uint32_t pcpus = 8;
  uint32_t threads_per_core = 1;
  uint32_t cores_per_socket = 0;  ///< 0: one socket has all
  uint32_t dom0_vcpus = 2;
  uint64_t memory_bytes = 256ull << 20;
  uint64_t arena_bytes = 64ull << 20;
  uint64_t dom0_bytes = 64ull << 20;
  std::string command_line;  ///< of the core
  /// What the core claims. A case that needs it runs and fails where the core does not keep the claim; what is neither
  /// claimed nor found by trying makes cases skip.
  std::vector<Capability> claimed;
  Guests guests = Guests::kDirect;
  Policy policy = Policy::kNeverSwitch;
  uint64_t walk_one_in = 8;  ///< kRandomWalk: switches at one point in so many
};

/// A target that can be taken back to any moment, guests and all.
class HostTarget : public Target {
 public:
  class Moment {
   public:
    virtual ~Moment() = default;
  };
  /// As it was made.
  [[nodiscard]] virtual const HostOptions& options() const = 0;
  /// Between two operations. It is of use until begin_case, and while there are the same guests.
  [[nodiscard]] virtual std::unique_ptr<Moment> take_moment() = 0;
  /// Back to it, whatever has become of the core since; takes some microseconds. False, and nothing has changed: guests
  /// have come or gone since.
  [[nodiscard]] virtual bool go_back(const Moment& moment) = 0;
  /// Of the machine's clock.
  [[nodiscard]] virtual uint64_t now_ns() const = 0;
  /// What is known of a domain's vCPUs besides memory and registers. Taken after vCPU 0 has suspended the domain, it
  /// goes along when the domain moves to another target of this process. Use it before either is at its next case.
  class Luggage {
   public:
    virtual ~Luggage() = default;
  };
  [[nodiscard]] virtual std::unique_ptr<Luggage> luggage_of(const Domain& guest) const = 0;
  /// GuestAdopter::adopt_guest for guests of either kind.
  virtual Domain& adopt_moved(const BuiltGuest& built, GuestType type, const Luggage& luggage) = 0;
};

/// Loads and boots the core, then asks what it can do by trying. Throws TargetUnavailable when the file is not a core
/// that this host can run, TargetDied when it does not boot.
std::unique_ptr<HostTarget> make_host_target(const HostOptions& options);

}  // namespace assay
