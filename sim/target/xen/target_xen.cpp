#include "sim/target/xen/target_xen.hpp"

#include <utility>

#include "sim/target/xen/host_clock.hpp"
#include "sim/target/xen/session.hpp"

namespace assay {

namespace xen {

namespace {

constexpr uint64_t kPatienceNs = 10'000'000'000;

class TargetXen : public Target {
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
    session_->machine().console().mark();
  }

  [[nodiscard]] const TargetInfo& info() const override { return info_; }
  void begin_case(uint64_t) override {
    if (!cleaned()) {
      boot();
      ++boots_;
    }
    session_->machine().console().mark();
  }
  Domain& dom0() override { return live().dom0(); }
  Domain& create_guest(const GuestSpec& spec) override { return live().create_guest(spec); }
  void destroy_guest(Domain& guest) override { live().destroy_guest(guest); }
  Vcpu& attach_vcpu(Domain& domain, uint32_t vcpu_id) override { return live().attach_vcpu(domain, vcpu_id); }
  void pass_time(uint64_t ns) override {
    host_sleep_ns(ns);
    live().machine().check_alive();
  }
  [[nodiscard]] uint64_t patience_ns() const override { return kPatienceNs; }
  std::string console() override { return live().machine().console().since_mark(); }
  void type_console(std::string_view text) override { live().machine().type(text); }
  [[nodiscard]] uint64_t digest() const override { return 0; }
  std::string audit() override { return ""; }
  [[nodiscard]] uint32_t boots() const override { return boots_; }
  std::string evidence() override { return session_ ? session_->machine().evidence() : ""; }

 private:
  Session& live() {
    if (!session_) throw HarnessFault("target xen is used between a failed boot and the next begin_case");
    return *session_;
  }
  void boot() {
    session_.reset();
    session_ = std::make_unique<Session>(options_, images_);
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
  Images images_;
  TargetInfo info_;
  std::unique_ptr<Session> session_;
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
