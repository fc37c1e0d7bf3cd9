#include "sim/target/xen/target_xen.hpp"

#include <utility>

#include "sim/target/agent/host_clock.hpp"
#include "sim/target/agent/session.hpp"
#include "sim/target/xen/machine.hpp"
#include "sim/toolstack/guest_adopter.hpp"

namespace assay {

namespace xen {

namespace {

class TargetXen : public Target, public GuestAdopter {
 public:
  explicit TargetXen(XenOptions options)
      : options_(std::move(options)),
        images_{AgentImage::load(options_.dom0_image), AgentImage::load(options_.guest_image)} {
    boot();
    info_ = {"xen",
             "Xen",
             session_->version(),
             {Capability::kDom0, Capability::kPv64Guest, Capability::kPvhGuest, Capability::kTwoGuests,
              Capability::kThreeGuests, Capability::kMultiVcpu, Capability::kConsoleText}};
    machine_->console().mark();
  }

  [[nodiscard]] const TargetInfo& info() const override { return info_; }
  void begin_case(uint64_t) override {
    if (!cleaned()) {
      boot();
      ++boots_;
    }
    machine_->console().mark();
  }
  Domain& dom0() override { return live().dom0(); }
  Domain& create_guest(const GuestSpec& spec) override { return live().create_guest(spec); }
  Domain& adopt_guest(const BuiltGuest& built, GuestType type, const Domain* /*was*/) override {
    return live().adopt_guest(built, type);
  }
  void destroy_guest(Domain& guest) override { live().destroy_guest(guest); }
  Vcpu& attach_vcpu(Domain& domain, uint32_t vcpu_id) override { return live().attach_vcpu(domain, vcpu_id); }
  void pass_time(uint64_t ns) override {
    agents::host_sleep_ns(ns);
    live_machine().check_alive();
  }
  [[nodiscard]] uint64_t patience_ns() const override { return kPatienceNs; }
  std::string console() override { return live_machine().console().since_mark(); }
  void type_console(std::string_view text) override { live_machine().type(text); }
  [[nodiscard]] uint64_t digest() const override { return 0; }
  std::string audit() override { return ""; }
  [[nodiscard]] uint32_t boots() const override { return boots_; }
  std::string evidence() override { return machine_ ? clock_skew() + machine_->evidence() : ""; }

 private:
  agents::Session& live() {
    if (!session_) throw HarnessFault("target xen is used between a failed boot and the next begin_case");
    return *session_;
  }
  Machine& live_machine() {
    static_cast<void>(live());
    return *machine_;
  }
  /// A case that compares clocks may have failed because they are apart: emulation calibrates each by itself.
  std::string clock_skew() {
    if (!session_) return "";
    try {
      const std::string line = machine_->clock_skew([this] { return session_->press_debug_key('t'); });
      return line.empty() ? "" : "clocks of the pCPUs after the case: " + line + "\n";
    } catch (const TargetDied& death) {
      return std::string("clocks of the pCPUs: the machine died of being asked: ") + death.what() + "\n";
    }
  }
  agents::SessionOptions session_options() const {
    agents::SessionOptions made;
    for (uint32_t pcpu = options_.dom0_vcpus; pcpu < options_.pcpus; ++pcpu) made.guest_pcpus.push_back(pcpu);
    return made;
  }
  void boot() {
    session_.reset();
    machine_.reset();  // before the next one starts: two emulated machines would slow each other down
    machine_ = std::make_unique<Machine>(options_);
    session_ = std::make_unique<agents::Session>(*machine_, images_, session_options());
  }
  bool cleaned() {
    if (!session_) return false;
    try {
      return session_->clean();
    } catch (const TargetDied&) {
      return false;
    } catch (const ToolstackError&) {  // a domain that does not go away
      return false;
    }
  }

  XenOptions options_;
  agents::Images images_;
  TargetInfo info_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<agents::Session> session_;
  uint32_t boots_ = 0;
};

}  // namespace

}  // namespace xen

std::filesystem::path default_xen_path(const std::filesystem::path& source_root) {
  return source_root / ".cache" / "xen" / "xen-4.17-amd64";
}

std::unique_ptr<Target> make_xen_target(const XenOptions& options) {
  xen::check_available(options);
  return std::make_unique<xen::TargetXen>(options);
}

}  // namespace assay
