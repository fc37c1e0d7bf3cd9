#include "sim/target/connect/target_connect.hpp"

#include <cstdlib>
#include <utility>

#include "sim/target/agent/host_clock.hpp"
#include "sim/target/agent/session.hpp"
#include "sim/target/connect/bridge.hpp"

namespace assay {

namespace connect {

using agents::host_now_ns;
using agents::host_sleep_ns;

namespace {

constexpr uint64_t kLinePatienceNs = 20'000'000'000;
constexpr uint64_t kGreetingLimitNs = 10'000'000'000;
constexpr uint64_t kBootLimitNs = 180'000'000'000;
constexpr uint64_t kRetryNs = 200'000'000;

class TargetConnect : public Target {
 public:
  explicit TargetConnect(ConnectOptions options)
      : options_(std::move(options)),
        images_{AgentImage::load(options_.dom0_image), AgentImage::load(options_.guest_image)} {
    try {
      connect(kGreetingLimitNs);
    } catch (const TargetDied& death) {
      throw TargetUnavailable("target connect:" + options_.name + ": " + death.what() +
                              "\nIs the agent image booted with '" ASSAY_BRIDGE_OPTION
                              "' on its command line, and is this its console?");
    }
    info_ = {"connect",
             options_.name,
             session_->version(),
             {Capability::kDom0, Capability::kPv64Guest, Capability::kPvhGuest, Capability::kTwoGuests,
              Capability::kThreeGuests, Capability::kMultiVcpu}};
  }

  [[nodiscard]] const TargetInfo& info() const override { return info_; }
  void begin_case(uint64_t) override {
    if (cleaned()) return;
    restart();
    ++boots_;
  }
  Domain& dom0() override { return live().dom0(); }
  Domain& create_guest(const GuestSpec& spec) override { return live().create_guest(spec); }
  void destroy_guest(Domain& guest) override { live().destroy_guest(guest); }
  Vcpu& attach_vcpu(Domain& domain, uint32_t vcpu_id) override { return live().attach_vcpu(domain, vcpu_id); }
  void pass_time(uint64_t ns) override { host_sleep_ns(ns); }
  [[nodiscard]] uint64_t patience_ns() const override { return kLinePatienceNs; }
  std::string console() override { return bridge_ ? bridge_->evidence() : ""; }
  void type_console(std::string_view) override { throw HarnessFault("the stream is the console's input"); }
  [[nodiscard]] uint64_t digest() const override { return 0; }
  std::string audit() override { return ""; }
  [[nodiscard]] uint32_t boots() const override { return boots_; }
  std::string evidence() override { return bridge_ ? bridge_->evidence() : ""; }

 private:
  agents::Session& live() {
    if (!session_) throw HarnessFault("the subject is used while no session with it is open");
    return *session_;
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

  /// Connects to a subject that may still be booting.
  void connect(uint64_t limit_ns) {
    session_.reset();
    bridge_.reset();
    const auto sequence = static_cast<uint16_t>(host_now_ns() >> 10);  // not the one of a connection before
    bridge_ = std::make_unique<Bridge>(open_stream(options_.address), sequence, limit_ns);
    agents::SessionOptions session_options;
    session_options.dom0_heap_kept_bytes = ASSAY_BRIDGE_PAGES * kPageSize;
    session_ = std::make_unique<agents::Session>(*bridge_, images_, session_options);
    if (!session_->clean()) throw TargetUnavailable(unclean());
  }

  [[nodiscard]] std::string unclean() const {
    return "target connect:" + options_.name +
           ": the privileged domain is not as it was after boot, and nothing here can restart the subject; restart it, "
           "or "
           "give --restart COMMAND";
  }

  void restart() {
    if (options_.restart_command.empty()) throw TargetUnavailable(unclean());
    session_.reset();
    bridge_.reset();
    if (const int status = std::system(options_.restart_command.c_str()); status != 0) {
      throw TargetUnavailable("target connect:" + options_.name + ": the restart command failed with status " +
                              std::to_string(status) + ": " + options_.restart_command);
    }
    const uint64_t limit = host_now_ns() + kBootLimitNs;
    for (;;) {
      try {
        return connect(kGreetingLimitNs);
      } catch (const std::runtime_error&) {  // still booting: nobody listens, or nobody answers
        if (host_now_ns() >= limit) throw;
        host_sleep_ns(kRetryNs);
      }
    }
  }

  ConnectOptions options_;
  agents::Images images_;
  TargetInfo info_;
  std::unique_ptr<Bridge> bridge_;
  std::unique_ptr<agents::Session> session_;
  uint32_t boots_ = 0;
};

}  // namespace

}  // namespace connect

std::unique_ptr<Target> make_connect_target(const ConnectOptions& options) {
  return std::make_unique<connect::TargetConnect>(options);
}

}  // namespace assay
