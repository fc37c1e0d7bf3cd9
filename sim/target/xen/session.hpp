/// One boot of the hypervisor with everything that lives as long as the boot: machine, dom0, guests.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/guest/agent_image.hpp"
#include "sim/target/xen/machine.hpp"
#include "sim/target/xen/mailbox_port.hpp"

namespace assay::xen {

class Session : public Watch {
 public:
  /// Boots and waits for dom0. Throws TargetDied when it does not come.
  Session(const XenOptions& options, const AgentImage& dom0_image);
  ~Session() override;

  Machine& machine() { return machine_; }
  Domain& dom0() { return *dom0_; }
  /// The subject's own version, "4.17.7".
  std::string version();

  /// dom0 as it was after boot, as far as that can be had: no open event channel, fresh heap.
  /// False when that is not possible any more; then only a fresh boot helps.
  bool clean();

 private:
  void check_machine() override { machine_.check_alive(); }
  void check_domain(DomId domain) override;
  [[noreturn]] void explain_silence(DomId domain, const GuestRequest& request) override;

  MailboxPort::Frames frames_of(const std::vector<Mfn>& frames) const;
  void adopt_dom0();
  bool settle_dom0();
  GuestSpace dom0_space(MailboxPort& port) const;

  Machine machine_;
  assay_agent_layout layout_;
  std::vector<Mfn> dom0_mailbox_;
  std::unique_ptr<Domain> dom0_;
  MailboxPort* dom0_port_ = nullptr;
};

}  // namespace assay::xen
