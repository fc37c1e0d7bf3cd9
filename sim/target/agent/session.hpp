/// One boot of the hypervisor with everything that lives as long as the boot: machine, dom0, guests.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/abi/xen.hpp"
#include "sim/guest/agent_image.hpp"
#include "sim/target/agent/mailbox.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::agents {

/// Both images, read once for all boots.
struct Images {
  AgentImage dom0, guest;
};

struct SessionOptions {
  std::vector<uint32_t> guest_pcpus;  ///< guests' vCPUs are pinned to these in turn; empty: not pinned
  uint64_t dom0_heap_kept_bytes = 0;  ///< end of dom0's heap that is not to be handed out
};

class Session : public Watch {
 public:
  /// Waits for dom0. Throws TargetDied when it does not come. `boot` must outlive the session.
  Session(Boot& boot, const Images& images, const SessionOptions& options);
  ~Session() override;

  /// dom0 as a case sees it; valid until `clean`.
  Domain& dom0() { return *dom0_; }
  /// The subject's own version, "4.17.7".
  std::string version();

  Domain& create_guest(const GuestSpec& spec);
  /// See GuestAdopter.
  Domain& adopt_guest(const BuiltGuest& built, GuestType type);
  void destroy_guest(Domain& guest);
  Vcpu& attach_vcpu(Domain& domain, uint32_t vcpu_id);

  /// Presses a key on the hypervisor's console, through dom0. False when dom0 cannot be asked.
  bool press_debug_key(char key);

  /// Destroys all other domains and gives dom0 back as it was after boot: no open event channel, no timer, fresh heap.
  /// False, or TargetDied, when that is not possible any more; then only a fresh boot helps.
  bool clean();

 private:
  struct Guest {
    BuiltGuest built;
    std::vector<std::unique_ptr<Mailbox>> mailboxes;
    std::unique_ptr<Domain> domain;
  };
  class Dom0Port;

  void check_machine() override { boot_.check_alive(); }
  void check_domain(DomId domain) override;
  [[noreturn]] void explain_silence(DomId domain, const std::string& what) override;

  [[nodiscard]] MailboxPlace place(const Guest& guest, uint32_t vcpu_id) const;
  GuestSpace dom0_space();
  void adopt_dom0();
  MailboxPlace dom0_place(uint32_t vcpu_id);
  bool settle_dom0();
  bool reset_dom0();
  bool heap_is_sound();
  void destroy_all_guests();
  /// Record of a domain with this id or the next greater one; nothing when there is none.
  std::optional<xen_domctl_getdomaininfo> domain_info(DomId first);
  Guest& add_guest(const BuiltGuest& built, GuestType type);
  void open_vcpu(Guest& guest, uint32_t vcpu_id);

  Boot& boot_;
  std::vector<std::unique_ptr<Mailbox>> dom0_mailboxes_;
  GuestSpace dom0_space_;
  /// dom0 twice, with a part of the heap each: what the toolstack has taken stays taken, a case's part starts afresh.
  std::unique_ptr<Domain> privileged_;
  Gva scratch_{};
  std::unique_ptr<Toolstack> toolstack_;
  std::unique_ptr<Domain> dom0_;
  bool has_traces_ = false;
  uint64_t dom0_pages_ = 0;
  std::map<DomId, Guest> guests_;
};

}  // namespace assay::agents
