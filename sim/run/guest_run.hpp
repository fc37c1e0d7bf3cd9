/// One guest kernel, from its image to its end: booted on a core, with a console and a store served by domain 0.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "sim/devices/guest_devices.hpp"
#include "sim/saved/saved_guest.hpp"
#include "sim/target/host/session.hpp"
#include "sim/toolstack/migration/migration.hpp"

namespace assay {

/// All that a run depends on: the same description gives the same run, instruction by instruction.
struct GuestRunInputs {
  std::filesystem::path core;
  std::filesystem::path kernel;
  std::optional<GuestType> type;  ///< which boot protocol, when the kernel speaks several
  std::filesystem::path initrd;   ///< empty: none
  std::string command_line;
  uint64_t memory_mib = 128;
  uint32_t vcpus = 1;
  uint64_t seed = 1;
};

/// How a guest ended, or why it was left.
enum class GuestEnd : uint8_t {
  kRunning,
  kPoweroff,
  kReboot,
  kSuspend,
  kCrash,
  kWatchdog,
  kGone,     ///< destroyed
  kCoreDied  ///< the hypervisor did
};
std::string_view to_string(GuestEnd end);

class GuestRun {
 public:
  /// Boots the core, builds the domain, and leaves it at its first instruction. Throws std::runtime_error: an image
  /// that cannot be read or does not boot; ToolstackError: it does not fit; TargetDied, CoreRefused: the core.
  explicit GuestRun(const GuestRunInputs& description);
  /// Goes on with a kernel that was saved, from where it suspended itself. `inputs` says on which core, with which
  /// seed; the host's clock has come to `now_ns` before, if that is later than where a fresh one stands. Throws
  /// StreamError, ToolstackError, what `source` throws, and what the core does; no domain is left then.
  GuestRun(const GuestRunInputs& inputs, const SavedGuest& saved, migration::ByteSource& source, uint64_t now_ns = 0);
  GuestRun(const GuestRun&) = delete;
  GuestRun& operator=(const GuestRun&) = delete;
  ~GuestRun();

  /// Lets it run until it ends or the clock has reached `deadline_ns`, in slices of kSliceNs: the last one may end
  /// later.
  GuestEnd advance(uint64_t deadline_ns);
  [[nodiscard]] GuestEnd end() const { return end_; }
  [[nodiscard]] const GuestRunInputs& inputs() const { return inputs_; }
  [[nodiscard]] const ConsoleLog& console() const { return devices_->console(); }
  /// Asks it, as toolstacks do, through the store, to suspend itself; then it is for advance() to see whether it does.
  void ask_to_suspend() { devices_->ask_to_suspend(); }
  /// Writes the guest, which has suspended itself. What it throws is as for migration::save_domain.
  SavedGuest save(migration::ByteSink& sink);
  [[nodiscard]] const migration::SaveReport& save_report() const { return save_report_; }
  /// A moment between two slices, and back to it: what is then executed again is the same.
  struct Moment;
  [[nodiscard]] std::shared_ptr<const Moment> take_moment();
  void go_back(const Moment& moment);
  /// vCPUs of the guest, by their number.
  [[nodiscard]] const std::vector<std::unique_ptr<UnicornGuest>>& vcpus() const { return guest_->vcpus; }
  [[nodiscard]] DomId domain() const { return guest_->built.id; }
  /// What the guest will read from its console.
  void type(std::string_view text) { devices_->type(text); }
  /// Is told what happens on the machine; null: nobody.
  void watch(MachineWatcher* watcher) { session_.machine().set_watcher(watcher); }
  [[nodiscard]] const Machine& machine() const { return session_.machine(); }
  [[nodiscard]] uint64_t now_ns() const;
  [[nodiscard]] uint64_t digest() const;
  /// What the hypervisor printed.
  [[nodiscard]] std::string hypervisor_console() const;
  /// Instructions that its vCPUs have executed.
  [[nodiscard]] uint64_t instructions() const;
  /// Registers of its vCPUs, why a device is not served any more, and what ended the hypervisor: for a report of
  /// failure.
  [[nodiscard]] std::string describe() const;

  /// Devices are looked at so often. Part of the digest.
  static constexpr uint64_t kSliceNs = 100'000;

 private:
  [[nodiscard]] GuestSpec spec() const;
  [[nodiscard]] migration::Host& host();
  void connect();
  [[nodiscard]] BuiltKernel take_over(const migration::RestoredDomain& restored);
  void look_after();

  GuestRunInputs inputs_;
  CoreObject core_;
  host::Session session_;
  host::KernelGuest* guest_ = nullptr;
  GuestType type_ = GuestType::kPv64;
  std::optional<migration::Host> host_;  ///< once it is needed
  migration::SaveReport save_report_;
  std::unique_ptr<GuestDevices> devices_;
  std::string death_;
  uint64_t slices_ = 0;
  GuestEnd end_ = GuestEnd::kRunning;
};

}  // namespace assay
