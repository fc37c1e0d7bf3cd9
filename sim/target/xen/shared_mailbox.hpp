/// Guest operations through a mailbox in memory that the host shares with the guest.
#pragma once

#include <cstdint>

#include "sim/target/agent/mailbox_memory.hpp"

namespace assay::xen {

/// Memory that the host shares with the guest.
class SharedMailbox : public agents::Mailbox {
 public:
  SharedMailbox(DomId domain, const agents::MailboxMemory::Frames& frames, agents::Watch& watch);

  void await_listener() override;
  void expect_reply() override { memory_.expect_reply(); }
  [[nodiscard]] uint64_t boot_info() override { return memory_.header()->boot_info; }
  [[nodiscard]] bool in_flight() const override { return memory_.in_flight(); }

  void start(const GuestRequest& request) override { memory_.post(request); }
  bool await(GuestReply& reply, uint64_t timeout_ns) override;
  void execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) override;

 private:
  [[nodiscard]] bool wait(uint64_t timeout_ns, bool owes_prompt_reply);

  DomId domain_;
  agents::MailboxMemory memory_;
  agents::Watch* watch_;
};

}  // namespace assay::xen
