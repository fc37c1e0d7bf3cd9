/// One emulated machine that runs the hypervisor: QEMU, its RAM, its console. One boot; a fresh boot is a fresh object.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/target/agent/mailbox.hpp"
#include "sim/target/xen/console_log.hpp"
#include "sim/target/xen/qemu_process.hpp"
#include "sim/target/xen/shared_ram.hpp"
#include "sim/target/xen/target_xen.hpp"

namespace assay::xen {

/// Throws TargetUnavailable that says what is missing, where it was looked for and what to do.
void check_available(const XenOptions& options);

class Machine : public agents::Boot {
 public:
  /// Starts the boot; does not wait for it.
  explicit Machine(const XenOptions& options);

  /// Waits until the privileged domain's agent listens; machine frames of its first vCPU's mailbox.
  /// Throws TargetDied when that does not happen.
  std::vector<Mfn> await_dom0() override;
  std::unique_ptr<agents::Mailbox> open(const agents::MailboxPlace& place, agents::Watch& watch) override;
  /// Throws TargetDied when the machine is known to be dead: QEMU ended, the hypervisor panicked, dom0 is gone.
  void check_alive() override;
  /// As check_alive, for an operation that was not answered: asks the hypervisor on its console for a sign of life, and
  /// throws in any case. `what` names the operation.
  [[noreturn]] void explain_silence(const std::string& what) override;

  ConsoleLog& console() { return console_; }
  void type(std::string_view text) { qemu_.type(text); }
  /// How far the clocks of the pCPUs are apart, a line; empty when it is not printed in time. `ask` presses key 't'.
  /// Nothing is asked of a machine that is dead or has left an operation unanswered.
  std::string clock_skew(const std::function<bool()>& ask);
  /// Last console lines and what QEMU said.
  std::string evidence() override;
  [[nodiscard]] pid_t qemu_pid() const { return qemu_.pid(); }

 private:
  /// The line of clock statistics that is printed from this place in the console's text on; empty when none comes.
  std::string await_skew(size_t from);
  bool answers_debug_key();
  SharedRam ram_;
  ConsoleLog console_;
  ConsoleLog diagnostics_;
  bool has_panicked_ = false;
  bool has_lost_dom0_ = false;
  bool is_silent_ = false;
  QemuProcess qemu_;
};

}  // namespace assay::xen
