/// One vCPU of a domain on the machine: what runs as it, and how an operation reaches that.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sim/engine/machine.hpp"
#include "sim/target/target.hpp"

namespace assay::host {

class HostVcpu {
 public:
  HostVcpu() = default;
  HostVcpu(const HostVcpu&) = delete;
  HostVcpu& operator=(const HostVcpu&) = delete;
  virtual ~HostVcpu() = default;

  /// What the machine runs.
  virtual GuestExecutor& executor() = 0;
  /// True once it takes operations.
  [[nodiscard]] virtual const bool& is_booted() const = 0;
  /// VA of start_info or hvm_start_info, once booted; 0 on further vCPUs.
  [[nodiscard]] virtual uint64_t start_info() const = 0;
  /// What went wrong in its boot or later, in words; empty when nothing did.
  [[nodiscard]] virtual std::string trouble() const = 0;
  /// True when it is where the agent never is.
  [[nodiscard]] virtual bool is_lost() const = 0;

  /// Begins an operation. HarnessFault when one is in flight.
  virtual void start(const GuestRequest& request) = 0;
  /// As start(), but the reply goes to the caller's until it has come or keep() was called.
  virtual void borrow(const GuestRequest& request, GuestReply& reply) = 0;
  /// The caller's request and reply are going away while the operation goes on.
  virtual void keep() = 0;
  [[nodiscard]] virtual bool is_busy() const = 0;
  /// True between the reply and the next start().
  [[nodiscard]] virtual const bool& has_replied() const = 0;
  /// Of the last operation that was not borrowed.
  [[nodiscard]] virtual const GuestReply& reply() const = 0;

  /// What it knows besides registers and memory, at a moment when no operation is in flight; and back to that, together
  /// with the machine.
  class Saved {
   public:
    virtual ~Saved() = default;
  };
  [[nodiscard]] virtual std::unique_ptr<Saved> save() const = 0;
  virtual void restore(const Saved& saved) = 0;
  /// The domain was moved here, and an operation may be in flight that somebody else started before. `there` is what
  /// was saved of the vCPU then; null: nobody knows. HarnessFault when it has to be known.
  virtual void expect_reply(const Saved* there) = 0;
};

/// Does what the agent does, without machine code.
std::unique_ptr<HostVcpu> make_direct_vcpu(Machine& machine, const assay_agent_layout& layout, GuestType type,
                                           uint32_t vcpu_id);
/// The agent's machine code, executed.
std::unique_ptr<HostVcpu> make_unicorn_vcpu(Machine& machine, const assay_agent_layout& layout, uint32_t vcpu_id);

}  // namespace assay::host
