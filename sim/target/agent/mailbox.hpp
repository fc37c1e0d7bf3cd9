/// One vCPU's mailbox as a session uses it, however its memory is reached.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/target/target.hpp"

namespace assay::agents {

constexpr unsigned kMailboxFrames = ASSAY_MAILBOX_BYTES / kPageSize;

/// Where a mailbox is.
struct MailboxPlace {
  DomId domain;
  std::vector<Mfn> machine;  ///< kMailboxFrames machine frames
  /// The same as the domain's type has them for a foreign mapping: machine frames of a PV64 guest, guest frames of a
  /// PVH guest.
  std::vector<Gfn> foreign;
};

/// The status in a reply. It comes from a guest that may be broken: TargetDied for one that there is not.
inline assay_status status_of(uint32_t value) {
  if (value <= ASSAY_STATUS_UNSUPPORTED) return static_cast<assay_status>(value);
  throw TargetDied(TargetDied::How::kDeadAgent,
                   "a reply with status " + std::to_string(value) + ", which there is not");
}

/// The host's end of one mailbox. One per vCPU and boot, however many ports lead to it.
class Mailbox {
 public:
  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  virtual ~Mailbox() = default;

  /// Waits until the agent listens. Throws TargetDied when the machine or the domain dies or nothing happens for long.
  virtual void await_listener() = 0;
  /// Address of the boot information in the guest, for the first vCPU.
  [[nodiscard]] virtual uint64_t boot_info() = 0;
  [[nodiscard]] virtual bool in_flight() const = 0;
  /// An operation is in flight that was started through another mailbox, before the domain was moved here.
  virtual void expect_reply() { throw HarnessFault("no domain is moved to this target"); }
  virtual void start(const GuestRequest& request) = 0;
  virtual bool await(GuestReply& reply, uint64_t timeout_ns) = 0;
  /// For operations that reply at once: throws TargetDied when none comes.
  virtual void execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) = 0;
};

/// A GuestPort that leads to a mailbox, which must outlive it.
class MailboxPort : public GuestPort {
 public:
  explicit MailboxPort(Mailbox& mailbox) : mailbox_(&mailbox) {}
  void start(const GuestRequest& request) override { mailbox_->start(request); }
  bool await(GuestReply& reply, uint64_t timeout_ns) override { return mailbox_->await(reply, timeout_ns); }
  bool execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) override {
    mailbox_->execute(request, reply, timeout_ns);
    return true;
  }

 private:
  Mailbox* mailbox_;
};

/// Asked while a reply is awaited.
class Watch {
 public:
  virtual ~Watch() = default;
  /// Throws TargetDied when the machine is known to be dead. Called about every millisecond: must be cheap.
  virtual void check_machine() = 0;
  /// Throws TargetDied when the domain, which owes a prompt reply, is known to be dead. Called about every 100 ms.
  virtual void check_domain(DomId domain) = 0;
  /// A prompt reply did not come in time: throws TargetDied with the best explanation.
  [[noreturn]] virtual void explain_silence(DomId domain, const std::string& what) = 0;
};

/// One boot of a hypervisor whose domains run the agent: what a session needs of it.
class Boot {
 public:
  virtual ~Boot() = default;
  /// Waits for the privileged domain's agent; machine frames of its first vCPU's mailbox.
  virtual std::vector<Mfn> await_dom0() = 0;
  virtual std::unique_ptr<Mailbox> open(const MailboxPlace& place, Watch& watch) = 0;
  /// Throws TargetDied when it is known to be dead.
  virtual void check_alive() = 0;
  /// As check_alive, for an operation that was not answered; throws in any case.
  [[noreturn]] virtual void explain_silence(const std::string& what) = 0;
  virtual std::string evidence() = 0;
};

}  // namespace assay::agents
