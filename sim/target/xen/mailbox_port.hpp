/// Guest operations through a mailbox in memory that the host shares with the guest.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

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
  [[noreturn]] virtual void explain_silence(DomId domain, const GuestRequest& request) = 0;
};

class MailboxPort : public GuestPort {
 public:
  static constexpr unsigned kFrames = ASSAY_MAILBOX_BYTES / kPageSize;
  using Frames = std::array<uint8_t*, kFrames>;

  MailboxPort(DomId domain, const Frames& frames, Watch& watch);

  /// True once the agent listens.
  [[nodiscard]] bool listens() const;
  /// Address of the boot information in the guest, for the first vCPU.
  [[nodiscard]] uint64_t boot_info() const;
  [[nodiscard]] bool in_flight() const { return in_flight_; }

  void start(const GuestRequest& request) override;
  bool await(GuestReply& reply, uint64_t timeout_ns) override;
  bool execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) override;

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

}  // namespace assay::xen
