/// A booted core with its first domain, frozen at the moment when a case begins.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/engine/machine.hpp"
#include "sim/guest/agent_image.hpp"
#include "sim/guest/unicorn/unicorn_guest.hpp"
#include "sim/target/host/host_port.hpp"
#include "sim/target/host/host_vcpu.hpp"
#include "sim/target/host/target_host.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::host {

/// A domain with what runs as its vCPUs.
struct Guest {
  std::vector<std::unique_ptr<HostVcpu>> vcpus;
  std::unique_ptr<Domain> domain;
};

/// A domain that runs a kernel which somebody else built.
struct KernelGuest {
  BuiltKernel built;
  std::vector<std::unique_ptr<UnicornGuest>> vcpus;
};

class Session final : private SilenceWatch {
 public:
  /// Boots and freezes. Throws TargetDied when the core does not boot.
  Session(const CoreObject& core, const HostOptions& options);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() override;

  Machine& machine() { return machine_; }
  [[nodiscard]] const Machine& machine() const { return machine_; }
  /// Back to the frozen moment, with `seed` for all that is chosen from now on.
  void rewind(uint64_t seed);
  /// A random walk over the scheduling points inside the core, and back to the policy of the options.
  void steer(uint64_t seed);
  void stop_steering();
  /// True when the first domain takes operations.
  [[nodiscard]] bool has_dom0() const { return has_dom0_; }
  Domain& dom0();
  Domain& create_guest(const GuestSpec& spec);
  /// What the executors of a domain know, an operation in flight included.
  using Saved = std::vector<std::unique_ptr<HostVcpu::Saved>>;
  [[nodiscard]] Saved saved_executors(const Domain& guest) const;
  /// See GuestAdopter. `executors` are those of another session, or none: HarnessFault then for direct guests, not all
  /// of whose state is in memory and registers.
  Domain& adopt_guest(const BuiltGuest& built, GuestType type, const Saved& executors);
  void destroy_guest(Domain& guest);
  /// Domain and vCPUs of a kernel, which runs from now on unless `boot` has it wait. Throws ToolstackError. It lives
  /// until rewind().
  KernelGuest& boot_kernel(const GuestSpec& spec, const KernelImage& image, const toolstack::KernelBoot& boot);
  /// The same of a kernel in a domain that was restored, and is still paused.
  KernelGuest& adopt_kernel(const BuiltKernel& built, uint32_t vcpus);
  /// A moment between two steps of everybody, with no operation in flight. It is of use until rewind(), and while no
  /// guests or vCPUs of theirs come or go.
  struct Moment {
    struct SavedGuest {
      std::vector<std::unique_ptr<HostVcpu::Saved>> vcpus;
      Gva heap;
    };
    Machine::Moment machine;
    uint64_t constellation = 0;
    std::vector<SavedGuest> guests;  ///< dom0 first
    Gva privileged_heap;
    std::vector<UnicornGuest::State> kernels;
  };
  Moment take_moment();
  /// False, and nothing has changed: it is of no use any more.
  [[nodiscard]] bool go_back(const Moment& moment);
  /// Of the privileged domain. HarnessFault when there is none that takes operations.
  Toolstack& toolstack();
  Vcpu& attach_vcpu(Domain& domain, uint32_t vcpu_id);
  /// What went wrong when guests booted, in lines.
  [[nodiscard]] std::string trouble() const;
  [[nodiscard]] std::string console() const;

 private:
  /// dom0 first.
  std::vector<Guest*> all_guests();
  void boot_core();
  void build_dom0();
  void adopt_dom0();
  GuestSpace dom0_space();
  std::unique_ptr<HostPort> port_to(HostVcpu& vcpu, DomId domain);
  void explain_silence(DomId domain) override;
  std::unique_ptr<HostVcpu> make_vcpu(const assay_agent_layout& layout, GuestType type, uint32_t vcpu_id);
  void adopt_vcpu(Guest& guest, uint32_t vcpu_id, const assay_agent_layout& layout, const HostVcpu::Saved* there);
  void open_vcpu(Guest& guest, uint32_t vcpu_id, const assay_agent_layout& layout);

  HostOptions options_;
  AgentImage dom0_image_;
  AgentImage guest_image_;
  Machine machine_;
  uint64_t seed_ = 0;           ///< of the case
  uint64_t constellation_ = 0;  ///< another number whenever the harness knows other guests or vCPUs
  std::string boot_trouble_;
  std::unique_ptr<HostVcpu::Saved> dom0_booted_;
  bool has_dom0_ = false;
  size_t console_start_ = 0;
  GuestSpace dom0_space_;

  /// dom0 twice, with a part of the heap each: the toolstack's own, and a case's.
  std::unique_ptr<Domain> privileged_;
  std::unique_ptr<Toolstack> toolstack_;
  Guest dom0_;
  std::map<DomId, Guest> guests_;
  std::vector<std::unique_ptr<KernelGuest>> kernels_;
};

}  // namespace assay::host
