/// A domain that runs a guest kernel which somebody else built, with console and store, executed instruction by
/// instruction.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/devices/guest_devices.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/scenario/schedule_watch.hpp"
#include "sim/target/host/session.hpp"

namespace assay::scenario {

class KernelDomain final : public TimeKeeper {
 public:
  /// Builds it, paused. `session` and `spec` outlive it. Throws ToolstackError, also for what is wrong with the image.
  KernelDomain(host::Session& session, const DomainSpec& spec);

  [[nodiscard]] DomId id() const { return guest_->built.id; }
  /// Serves its devices and looks whether it has ended; often enough, and always at the same times.
  void look_after();
  /// It is to be destroyed.
  void detach();

  [[nodiscard]] const std::string& console() const { return devices_->console().text(); }
  /// SHUTDOWN_*; none while it runs.
  [[nodiscard]] std::optional<uint32_t> shutdown() const { return shutdown_; }
  [[nodiscard]] uint64_t instructions() const;
  /// It executes no more: it went on spinning for all that the hypervisor knows.
  [[nodiscard]] bool has_used_up_instructions() const { return instructions() >= spec_.kernel->instructions_max; }

  // What it wants while it does not run nobody knows.
  void left(uint64_t /*now_ns*/) override {}
  [[nodiscard]] bool sleeps_when_it_leaves() const override { return true; }

 private:
  /// A vCPU whose turns end soon whoever else is there, and that executes nothing once all of them have had enough.
  class Turns final : public GuestExecutor {
   public:
    Turns(KernelDomain& domain, UnicornGuest& guest) : domain_(domain), guest_(guest) {}
    GuestStep step(assay_run& run, const StepLimits& limits, assay_exit& exit) override;

   private:
    KernelDomain& domain_;
    UnicornGuest& guest_;
  };

  host::Session& session_;
  const DomainSpec& spec_;
  host::KernelGuest* guest_;
  std::vector<std::unique_ptr<Turns>> vcpus_;
  std::unique_ptr<GuestDevices> devices_;
  std::optional<uint32_t> shutdown_;
};

}  // namespace assay::scenario
