#include "sim/guest/unicorn/unicorn_guest.hpp"
#include "sim/target/agent/mailbox_memory.hpp"
#include "sim/target/host/host_vcpu.hpp"

namespace assay::host {

namespace {

/// The agent as a program, and the mailbox it listens at. Its replies are noticed between steps of the machine.
class UnicornVcpu final : public HostVcpu, private GuestExecutor, private UnicornGuest::Spin {
 public:
  UnicornVcpu(Machine& machine, const assay_agent_layout& layout, uint32_t vcpu_id)
      : machine_(machine), guest_(machine), mailbox_va_(layout.mailboxes + vcpu_id * layout.mailbox_stride) {
    guest_.spins_at(layout.idle, *this);
  }

  GuestExecutor& executor() override { return *this; }
  [[nodiscard]] const bool& is_booted() const override { return is_booted_; }
  [[nodiscard]] uint64_t start_info() const override { return is_booted_ ? mailbox_.header()->boot_info : 0; }
  [[nodiscard]] std::string trouble() const override { return ""; }
  [[nodiscard]] bool is_lost() const override { return false; }

  void start(const GuestRequest& request) override { post(request, own_reply_); }
  void borrow(const GuestRequest& request, GuestReply& reply) override { post(request, reply); }
  void keep() override {
    if (reply_ == &own_reply_) return;
    reply_ = &own_reply_;
    mailbox_.redirect({});
  }
  void expect_reply(const Saved* there) override {
    const auto* const saved = dynamic_cast<const SavedUnicorn*>(there);
    if (saved != nullptr && !saved->mailbox.in_flight()) return;
    mailbox_.expect_reply();
    reply_ = &own_reply_;
    has_replied_ = false;
    machine_.wake(*this);
  }
  [[nodiscard]] bool is_busy() const override { return mailbox_.in_flight(); }
  [[nodiscard]] const bool& has_replied() const override { return has_replied_; }
  [[nodiscard]] const GuestReply& reply() const override { return own_reply_; }
  [[nodiscard]] std::unique_ptr<Saved> save() const override {
    auto saved = std::make_unique<SavedUnicorn>();
    saved->guest = guest_.state();
    saved->mailbox = mailbox_;
    return saved;
  }
  void restore(const Saved& saved) override {
    const auto& earlier = dynamic_cast<const SavedUnicorn&>(saved);
    mailbox_ = earlier.mailbox;
    has_replied_ = false;
    guest_.set_state(earlier.guest);
  }

 private:
  struct SavedUnicorn final : Saved {
    UnicornGuest::State guest;
    agents::MailboxMemory mailbox;
  };

  GuestStep step(assay_run& run, const StepLimits& limits, assay_exit& exit) override {
    const GuestStep step = guest_.step(run, limits, exit);
    take_reply();
    return step;
  }

  bool is_idle() override {
    if (!is_booted_) look_for_mailbox();
    take_reply();
    return !mailbox_.in_flight();
  }

  /// The mailbox stays where it is for as long as the agent lives.
  void look_for_mailbox() {
    agents::MailboxMemory::Frames frames{};
    for (uint64_t page = 0; page < frames.size(); ++page) {
      frames[page] = guest_.reach(mailbox_va_ + page * kPageSize, ASSAY_ACCESS_WRITE);
      if (frames[page] == nullptr) return;
    }
    mailbox_ = agents::MailboxMemory(frames);
    is_booted_ = mailbox_.listens();
  }

  void post(const GuestRequest& request, GuestReply& reply) {
    mailbox_.post(request);
    reply_ = &reply;
    has_replied_ = false;
    machine_.wake(*this);
  }

  void take_reply() {
    if (!mailbox_.in_flight() || !mailbox_.has_replied()) return;
    mailbox_.take(*reply_);
    has_replied_ = true;
  }

  Machine& machine_;
  UnicornGuest guest_;
  uint64_t mailbox_va_;
  agents::MailboxMemory mailbox_;
  bool is_booted_ = false;
  bool has_replied_ = false;
  GuestReply own_reply_;
  GuestReply* reply_ = &own_reply_;
};

}  // namespace

std::unique_ptr<HostVcpu> make_unicorn_vcpu(Machine& machine, const assay_agent_layout& layout, uint32_t vcpu_id) {
  return std::make_unique<UnicornVcpu>(machine, layout, vcpu_id);
}

}  // namespace assay::host
