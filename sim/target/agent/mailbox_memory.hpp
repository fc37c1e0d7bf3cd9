/// A mailbox in memory that both sides see, from the host's side.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sim/target/agent/mailbox.hpp"

namespace assay::agents {

class MailboxMemory {
 public:
  /// Where each page of the mailbox lies in the host's memory.
  using Frames = std::array<uint8_t*, kMailboxFrames>;

  MailboxMemory() = default;
  explicit MailboxMemory(const Frames& frames);

  /// True when an agent of this program's version listens.
  [[nodiscard]] bool listens() const;
  [[nodiscard]] assay_mailbox* header() const { return reinterpret_cast<assay_mailbox*>(frames_[0]); }
  /// Puts the request there for the agent to find. HarnessFault when one is in flight or carries too much data. What
  /// the operation reads goes to `request.out`, which must stay until take() or redirect().
  void post(const GuestRequest& request);
  [[nodiscard]] bool in_flight() const { return in_flight_; }
  [[nodiscard]] bool has_replied() const;
  /// Throws TargetDied when it is no reply of an agent.
  void take(GuestReply& reply);
  /// The request that is there now is in flight, and its reply is awaited: it was posted by somebody else.
  void expect_reply();
  /// What the operation in flight reads goes there instead.
  void redirect(std::span<std::byte> out) { out_ = out; }

 private:
  void copy_in(std::span<const std::byte> bytes);
  void copy_out(std::span<std::byte> bytes) const;

  Frames frames_{};
  uint32_t sequence_ = 0;
  bool in_flight_ = false;
  std::span<std::byte> out_;
};

}  // namespace assay::agents
