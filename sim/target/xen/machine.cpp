#include "sim/target/xen/machine.hpp"

#include <cstdlib>
#include <sstream>
#include <system_error>

#include "sim/target/agent/host_clock.hpp"
#include "sim/target/xen/shared_mailbox.hpp"

namespace assay::xen {

using agents::host_now_ns;
using agents::host_sleep_ns;

namespace {

constexpr uint64_t kBootLimitNs = 120'000'000'000;
constexpr uint64_t kKeyLimitNs = 5'000'000'000;
constexpr uint64_t kPollNs = 2'000'000;
constexpr unsigned kEvidenceLines = 40;
constexpr std::string_view kAnnouncement = "assay-agent: vcpu 0 mailbox mfn";
// The prefix is the hypervisor's own: what a guest prints comes with another one, or with none.
constexpr std::string_view kPanic = "(XEN) Panic on CPU";
constexpr std::string_view kDom0Gone = "(XEN) Hardware Dom0 ";
/// Three times Ctrl-A moves the console's input between dom0 and the hypervisor.
constexpr std::string_view kSwitchInput = "\x01\x01\x01";

std::string hypervisor_arguments(const XenOptions& options) {
  // cpuidle=0: the emulated mwait kills a second pCPU. noreboot: a panic must stay visible.
  std::string text = "com1=115200,8n1 console=com1 loglvl=all guest_loglvl=all noreboot=1 bootscrub=0 cpuidle=0";
  text += " dom0_mem=" + std::to_string(options.dom0_mib) + "M";
  text += " dom0_max_vcpus=" + std::to_string(options.dom0_vcpus) + " dom0_vcpus_pin";
  if (!options.xen_arguments.empty()) text += " " + options.xen_arguments;
  return text;
}

std::vector<std::string> qemu_arguments(const XenOptions& options, const SharedRam& ram) {
  const std::string size = std::to_string(options.ram_mib) + "M";
  // Single-threaded: a spinning vCPU's `pause` hands over to the next pCPU, which beats one host thread per pCPU on
  // machines with fewer cores than pCPUs by a factor of 100.
  std::vector<std::string> arguments{"-nodefaults",
                                     "-no-user-config",
                                     "-display",
                                     "none",
                                     "-no-reboot",
                                     "-accel",
                                     "tcg,thread=single",
                                     "-cpu",
                                     "EPYC,+svm,-monitor",
                                     "-smp",
                                     std::to_string(options.pcpus),
                                     "-m",
                                     size,
                                     "-object",
                                     "memory-backend-file,id=ram,share=on,size=" + size + ",mem-path=" + ram.path(),
                                     "-machine",
                                     "pc,memory-backend=ram",
                                     "-serial",
                                     "stdio",
                                     "-kernel",
                                     options.xen.string(),
                                     "-initrd",
                                     options.dom0_image.string(),
                                     "-append",
                                     hypervisor_arguments(options)};
  if (!options.edge_plugin.empty()) {
    arguments.insert(arguments.end(), {"-plugin", options.edge_plugin.string() + ",map=" + options.edge_map});
  }
  return arguments;
}

void require_file(const std::filesystem::path& path, const char* what, const char* remedy) {
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) return;
  throw TargetUnavailable("target xen: no " + std::string(what) + " at " + path.string() + "; " + remedy);
}

}  // namespace

void check_available(const XenOptions& options) {
  if (find_program(options.qemu).empty()) {
    throw TargetUnavailable("target xen: " + options.qemu +
                            " not found in PATH; install the Debian package qemu-system-x86 (tools/setup does)");
  }
  require_file(options.xen, "Xen binary", "run tools/setup xen, which takes it out of its Debian package");
  require_file(options.dom0_image, "agent image for dom0", "build the target agent-dom0");
  require_file(options.guest_image, "agent image for guests", "build the target agent");
  if (!options.edge_plugin.empty())
    require_file(options.edge_plugin, "plugin for QEMU", "build the target assay-edges");
}

Machine::Machine(const XenOptions& options)
    : ram_(static_cast<uint64_t>(options.ram_mib) << 20),
      qemu_(find_program(options.qemu), qemu_arguments(options, ram_),
            QemuFiles{console_.fd(), diagnostics_.fd(), ram_.fd()}) {}

std::vector<Mfn> Machine::await_dom0() {
  const uint64_t deadline = host_now_ns() + kBootLimitNs;
  for (;;) {
    const std::string& text = console_.text();
    const size_t start = text.find(kAnnouncement);
    const size_t end = start == std::string::npos ? start : text.find('\n', start);
    if (end != std::string::npos) {
      std::istringstream words(text.substr(start + kAnnouncement.size(), end - start - kAnnouncement.size()));
      std::vector<Mfn> frames;
      uint64_t frame = 0;
      while (words >> std::hex >> frame) frames.emplace_back(frame);
      return frames;
    }
    check_alive();
    if (host_now_ns() > deadline) {
      throw TargetDied(TargetDied::How::kHang, "target xen: no sign of dom0 after 120 s of booting\n" + evidence());
    }
    host_sleep_ns(kPollNs);
  }
}

std::unique_ptr<agents::Mailbox> Machine::open(const agents::MailboxPlace& place, agents::Watch& watch) {
  agents::MailboxMemory::Frames pointers{};
  if (place.machine.size() != pointers.size())
    throw HarnessFault("a mailbox does not have the expected count of frames");
  for (size_t i = 0; i < pointers.size(); ++i) pointers[i] = ram_.frame(place.machine[i]);
  return std::make_unique<SharedMailbox>(place.domain, pointers, watch);
}

void Machine::check_alive() {
  const std::string news = console_.take_new_lines();
  has_panicked_ |= news.find(kPanic) != std::string::npos;
  has_lost_dom0_ |= news.find(kDom0Gone) != std::string::npos;
  // Looked at first: with a panic QEMU may end too, and the panic is the cause.
  if (has_panicked_) throw TargetDied(TargetDied::How::kPanic, "Xen panicked\n" + evidence());
  if (has_lost_dom0_) throw TargetDied(TargetDied::How::kDeadAgent, "dom0 is gone\n" + evidence());
  if (const auto how = qemu_.ended()) {
    throw TargetDied(TargetDied::How::kExited, "QEMU ended with " + *how + "\n" + evidence());
  }
}

void Machine::explain_silence(const std::string& what) {
  check_alive();
  is_silent_ = true;
  const bool answers = answers_debug_key();
  check_alive();
  throw TargetDied(TargetDied::How::kHang,
                   what + " was not answered; the hypervisor " +
                       (answers ? "still answers on its console" : "does not answer on its console either") + "\n" +
                       evidence());
}

// Key 't' prints one line of clock statistics and changes nothing.
bool Machine::answers_debug_key() {
  const size_t before = console_.text().size();
  type(kSwitchInput);
  type("t");
  return !await_skew(before).empty();
}

std::string Machine::await_skew(size_t from) {
  const uint64_t deadline = host_now_ns() + kKeyLimitNs;
  while (host_now_ns() < deadline && !qemu_.ended()) {
    const std::string& text = console_.text();
    const size_t start = text.find("Synced stime skew", from);
    const size_t end = start == std::string::npos ? start : text.find('\n', start);
    if (end != std::string::npos) return text.substr(start, text.find_last_not_of("\r\n", end) + 1 - start);
    host_sleep_ns(kPollNs);
  }
  return "";
}

std::string Machine::clock_skew(const std::function<bool()>& ask) {
  if (is_silent_ || has_panicked_ || has_lost_dom0_ || qemu_.ended()) return "";
  const size_t before = console_.text().size();
  return ask() ? await_skew(before) : "";
}

std::string Machine::evidence() {
  std::string text = "last lines of the console:\n" + console_.tail(kEvidenceLines);
  // QEMU warns at each start about processor features that it does not emulate.
  std::istringstream said(diagnostics_.text());
  for (std::string line; std::getline(said, line);) {
    if (line.find("warning: TCG doesn't support") == std::string::npos) text += "\nQEMU: " + line;
  }
  return text;
}

}  // namespace assay::xen
