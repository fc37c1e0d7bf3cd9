/// A hypervisor at the other end of a byte stream: mailboxes of its domains, through the bridge in its privileged
/// domain.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sim/guest/agent/bridge_messages.h"
#include "sim/target/agent/mailbox.hpp"
#include "sim/target/connect/link.hpp"

namespace assay::connect {

class Bridge : public agents::Boot {
 public:
  /// Greets the agent, waiting up to `boot_limit_ns` for it. Throws TargetDied when it does not answer, HarnessFault
  /// when it is of another version.
  Bridge(std::unique_ptr<ByteStream> stream, uint16_t sequence, uint64_t boot_limit_ns);

  std::vector<Mfn> await_dom0() override { return dom0_frames_; }
  std::unique_ptr<agents::Mailbox> open(const agents::MailboxPlace& place, agents::Watch& watch) override;
  void check_alive() override {}
  [[noreturn]] void explain_silence(const std::string& what) override;
  std::string evidence() override;

  /// One request to the bridge. Throws TargetDied when the stream or the agent is gone.
  struct Answer {
    assay_bridge_reply head{};
    std::vector<std::byte> data;
  };
  Answer ask(const assay_bridge_request& request, std::span<const uint64_t> arguments, std::span<const std::byte> data);
  void release(uint8_t slot) { slots_.erase(slot); }

 private:
  uint8_t free_slot();
  uint32_t place_data(std::span<const std::byte> data);
  Link link_;
  std::vector<Mfn> dom0_frames_;
  std::set<uint8_t> slots_;
  std::vector<std::vector<std::byte>> kept_;  ///< what each of the agent's blocks holds
  uint32_t next_block_ = 0;
};

}  // namespace assay::connect
