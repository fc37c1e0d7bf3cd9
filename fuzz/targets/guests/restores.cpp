/// Migration streams, changed record by record, restored on a core beside another domain.
#include "fuzz/targets/guests/stage.hpp"
#include "fuzz/targets/guests/stream_edits.hpp"
#include "sim/abi/xen.hpp"
#include "sim/toolstack/migration/guest_suspension.hpp"
#include "sim/toolstack/migration/memory_pattern.hpp"
#include "sim/toolstack/migration/migration.hpp"
#include "sim/toolstack/migration/stream_error.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::fuzz {
namespace {

using migration::MemoryPattern;

/// The agent with the smallest heap that it can have, nearly.
constexpr uint32_t kPages = 768;
constexpr uint64_t kSuspendNs = 1'000'000;
constexpr uint16_t kDomainsMax = 16;
constexpr uint64_t kPatternOneIn = 16;

class Restores final : public InputPlayer {
 public:
  explicit Restores(HostTarget& core) : core_(core) {}

  void play(std::string_view input, Care care) override {
    played_ = input;
    const GuestType type = is_pvh(input) ? GuestType::kPvh : GuestType::kPv64;
    if (!stage_ || spec_.type != type) begin(type);
    stage_->reset();
    const migration::Bytes bytes = edited(stream_, edits_from(input.substr(std::min<size_t>(1, input.size()))));
    restore(bytes);
    if (domains() != domains_) throw Broken("a stream leaves the domains that were there");
    if (free_pages() != free_pages_) throw Broken("a stream leaves as much memory as was free");
    look_at_witness(input, care);
    stage_->check(input, care);
  }
  [[nodiscard]] std::string played() const override { return played_; }
  static bool is_pvh(std::string_view input) { return !input.empty() && (input[0] & 1) != 0; }

 private:
  void begin(GuestType type) {
    spec_.type = type;
    spec_.pages = kPages;
    stage_.reset();
    stage_ = std::make_unique<Stage>(core_, [this](HostTarget&) { prepare(); });
  }

  void prepare() {
    witness_ = &core_.create_guest(spec_);
    pattern_ = witness_->alloc_pages(MemoryPattern::kPages);
    MemoryPattern(1).fill(*witness_, pattern_);
    host_.emplace(core_.dom0());
    Domain& source = core_.create_guest(spec_);
    migration::suspend_guest(source);
    core_.pass_time(kSuspendNs);
    migration::MemorySink sink;
    host_->save(source.id(), sink);
    stream_ = RawStream::parse(sink.bytes());
    core_.destroy_guest(source);
    domains_ = domains();
    free_pages_ = free_pages();
  }

  /// Refused, or a domain that nobody has started: it stands still until it goes.
  void restore(const migration::Bytes& bytes) {
    migration::MemorySource source(bytes);
    try {
      const migration::RestoredDomain restored = host_->restore(spec_, source);
      const auto info = host_->info(restored.id);
      if (!info) throw Broken("a restored domain is there");
      if ((info->flags & XEN_DOMINF_paused) == 0) throw Broken("a restored domain does not run by itself");
      if (info->tot_pages > spec_.pages) throw Broken("a restored domain has the memory that it may have");
      host_->destroy(restored.id);
    } catch (const migration::StreamError&) {
    } catch (const ToolstackError&) {
    }
  }

  [[nodiscard]] uint32_t domains() const {
    uint32_t found = 0;
    for (uint16_t id = 0; id < kDomainsMax; ++id) found |= uint32_t{host_->info(DomId{id}).has_value()} << id;
    return found;
  }

  [[nodiscard]] uint64_t free_pages() {
    xen_sysctl op = toolstack::make_sysctl(XEN_SYSCTL_physinfo);
    if (host_->tools().dom0.sysctl(op) != 0) throw Broken("domain 0 is told of the machine");
    return op.u.physinfo.free_pages;
  }

  void look_at_witness(std::string_view input, Care care) {
    if (witness_->vcpu(0).hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_is_up, 0, 0}) != 1) {
      throw Broken("the other domain goes on");
    }
    if (!is_looked_at(input, kPatternOneIn, care)) return;
    if (!MemoryPattern(1).difference(*witness_, pattern_).empty()) throw Broken("the other domain's memory is its own");
  }

  HostTarget& core_;
  GuestSpec spec_;
  std::unique_ptr<Stage> stage_;
  std::optional<migration::Host> host_;
  Domain* witness_ = nullptr;
  Gva pattern_{};
  RawStream stream_;
  uint32_t domains_ = 0;
  uint64_t free_pages_ = 0;
  std::string played_;
};

std::string mutate(std::string_view input, Entropy& entropy) {
  std::string head(input.substr(0, 1));
  if (head.empty() || entropy.one_in(32)) head.assign(1, static_cast<char>(entropy.below(2)));
  return head + to_input(mutated(edits_from(input.substr(std::min<size_t>(1, input.size()))), entropy));
}

std::string cross(std::string_view one, std::string_view other, Entropy& entropy) {
  if (one.empty() || other.empty()) return std::string(one);
  std::vector<Edit> edits = edits_from(one.substr(1));
  const std::vector<Edit> tail = edits_from(other.substr(1));
  edits.resize(entropy.below(edits.size() + 1));
  edits.insert(edits.end(), tail.begin() + static_cast<std::ptrdiff_t>(entropy.below(tail.size() + 1)), tail.end());
  edits.resize(std::min(edits.size(), kEditsMax));
  return std::string(one.substr(0, 1)) + to_input(edits);
}

}  // namespace

GuestTarget restore_target() {
  return {.name = "restore",
          .reads = "migration streams changed record by record, restored beside another domain",
          .head_bytes = 1,
          .operation_bytes = kEditBytes,
          .operations_max = kEditsMax,
          .mutate = mutate,
          .cross = cross,
          .is_for_pvh = Restores::is_pvh,
          .show = [](std::string_view input) { return show_bytes("restore", input); },
          .begin = [](HostTarget& core) -> std::unique_ptr<InputPlayer> { return std::make_unique<Restores>(core); }};
}

}  // namespace assay::fuzz
