/// Guest operations through a mailbox in memory that the host shares with the guest.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "sim/target/target.hpp"

namespace assay::xen {

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

/// The host's end of one vCPU's mailbox. One per vCPU and boot, however many ports lead to it.
class Mailbox {
 public:
  static constexpr unsigned kFrames = ASSAY_MAILBOX_BYTES / kPageSize;
  using Frames = std::array<uint8_t*, kFrames>;

  Mailbox(DomId domain, const Frames& frames, Watch& watch);
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// True once the agent listens.
  [[nodiscard]] bool listens() const;
  /// Waits until it does. Throws TargetDied when the machine or the domain dies or nothing happens for long.
  void await_listener();
  /// Address of the boot information in the guest, for the first vCPU.
  [[nodiscard]] uint64_t boot_info() const { return header()->boot_info; }
  [[nodiscard]] bool in_flight() const { return in_flight_; }

  void start(const GuestRequest& request);
  bool await(GuestReply& reply, uint64_t timeout_ns);
  void execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns);

 private:
  [[nodiscard]] assay_mailbox* header() const { return reinterpret_cast<assay_mailbox*>(frames_[0]); }
  [[nodiscard]] bool replied() const;
  [[nodiscard]] bool wait(uint64_t timeout_ns, bool owes_prompt_reply);
  void take(GuestReply& reply);
  void copy_in(std::span<const std::byte> bytes);
  void copy_out(std::span<std::byte> bytes) const;

  DomId domain_;
  Frames frames_;
  Watch* watch_;
  uint32_t sequence_;
  bool in_flight_ = false;
  std::span<std::byte> out_;
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

}  // namespace assay::xen
