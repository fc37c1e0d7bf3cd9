/// Guest operations through a mailbox in memory that the host shares with the guest.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "sim/target/agent/mailbox.hpp"

namespace assay::xen {

/// Memory that the host shares with the guest.
class SharedMailbox : public agents::Mailbox {
 public:
  using Frames = std::array<uint8_t*, agents::kMailboxFrames>;

  SharedMailbox(DomId domain, const Frames& frames, agents::Watch& watch);

  void await_listener() override;
  [[nodiscard]] uint64_t boot_info() override { return header()->boot_info; }
  [[nodiscard]] bool in_flight() const override { return in_flight_; }

  void start(const GuestRequest& request) override;
  bool await(GuestReply& reply, uint64_t timeout_ns) override;
  void execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) override;

 private:
  [[nodiscard]] assay_mailbox* header() const { return reinterpret_cast<assay_mailbox*>(frames_[0]); }
  [[nodiscard]] bool listens() const;
  [[nodiscard]] bool replied() const;
  [[nodiscard]] bool wait(uint64_t timeout_ns, bool owes_prompt_reply);
  void take(GuestReply& reply);
  void copy_in(std::span<const std::byte> bytes);
  void copy_out(std::span<std::byte> bytes) const;

  DomId domain_;
  Frames frames_;
  agents::Watch* watch_;
  uint32_t sequence_;
  bool in_flight_ = false;
  std::span<std::byte> out_;
};

}  // namespace assay::xen
