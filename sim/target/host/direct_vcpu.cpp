#include "sim/guest/direct/direct_guest.hpp"
#include "sim/target/host/host_vcpu.hpp"

namespace assay::host {

namespace {

class DirectVcpu final : public HostVcpu {
 public:
  DirectVcpu(Machine& machine, const assay_agent_layout& layout, GuestType type, uint32_t vcpu_id)
      : guest_(machine, layout, type, vcpu_id) {}

  GuestExecutor& executor() override { return guest_; }
  [[nodiscard]] const bool& is_booted() const override { return guest_.is_booted(); }
  [[nodiscard]] uint64_t start_info() const override { return guest_.start_info(); }
  [[nodiscard]] std::string trouble() const override { return guest_.trouble(); }
  [[nodiscard]] bool is_lost() const override { return guest_.state().is_lost; }
  void start(const GuestRequest& request) override { guest_.start(request); }
  void borrow(const GuestRequest& request, GuestReply& reply) override { guest_.borrow(request, reply); }
  void keep() override { guest_.keep(); }
  [[nodiscard]] bool is_busy() const override { return guest_.state().is_busy; }
  [[nodiscard]] const bool& has_replied() const override { return guest_.has_replied(); }
  [[nodiscard]] const GuestReply& reply() const override { return guest_.reply(); }
  [[nodiscard]] std::unique_ptr<Saved> save() const override {
    auto saved = std::make_unique<SavedDirect>();
    saved->state = guest_.state();
    return saved;
  }
  void restore(const Saved& saved) override { guest_.restore(dynamic_cast<const SavedDirect&>(saved).state); }
  void expect_reply(const Saved* there) override {
    const auto* const saved = dynamic_cast<const SavedDirect*>(there);
    if (saved == nullptr) throw HarnessFault("a direct guest can be moved between machines of one process only");
    guest_.arrive(saved->state);
  }

 private:
  struct SavedDirect final : Saved {
    DirectState state;
  };

  DirectGuest guest_;
};

}  // namespace

std::unique_ptr<HostVcpu> make_direct_vcpu(Machine& machine, const assay_agent_layout& layout, GuestType type,
                                           uint32_t vcpu_id) {
  return std::make_unique<DirectVcpu>(machine, layout, type, vcpu_id);
}

}  // namespace assay::host
