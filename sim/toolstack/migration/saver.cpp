#include "sim/toolstack/migration/saver.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <numeric>
#include <optional>
#include <utility>

#include "sim/toolstack/error.hpp"
#include "sim/toolstack/migration/dirty_log.hpp"
#include "sim/toolstack/migration/fault.hpp"
#include "sim/toolstack/migration/page_reader.hpp"
#include "sim/toolstack/migration/stream_writer.hpp"
#include "sim/toolstack/migration/vcpu_context.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {

namespace {

/// Pages of one record: 1 MiB.
constexpr uint64_t kBatchPages = 256;
/// Of an HVM domain, memory or not: kernels map what is the hypervisor's beyond all of their memory. 64 GiB.
constexpr uint64_t kGfnsMax = 1 << 24;
/// What a guest's own state depends on. Ports and how events arrive are the guest's to set up again. Source:
/// public/hvm/params.h.
constexpr std::array<uint32_t, 4> kSavedParams{HVM_PARAM_STORE_PFN, HVM_PARAM_CONSOLE_PFN, HVM_PARAM_IDENT_PT,
                                               HVM_PARAM_X87_FIP_WIDTH};

xen_domctl_getdomaininfo must_be_there(const Tools& tools, DomId domain) {
  const auto info = tools.control.info(domain);
  if (!info) throw ToolstackError("domain " + std::to_string(domain.raw()) + " is not there");
  return *info;
}

xen_domctl_getdomaininfo suspended(const Tools& tools, DomId domain) {
  const xen_domctl_getdomaininfo info = must_be_there(tools, domain);
  const uint32_t reason = info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
  if ((info.flags & XEN_DOMINF_shutdown) == 0 || reason != SHUTDOWN_suspend) {
    throw ToolstackError("domain " + std::to_string(domain.raw()) + " has not suspended itself, and cannot be saved");
  }
  return info;
}

DomainHeader header_of(const Tools& tools, const xen_domctl_getdomaininfo& info) {
  const int64_t version =
      toolstack::must(tools.dom0.call(__HYPERVISOR_xen_version, {XENVER_version, 0}), "xen_version");
  const bool is_hvm = (info.flags & XEN_DOMINF_hvm_guest) != 0;
  return {is_hvm ? DomainType::kHvm : DomainType::kPv, static_cast<uint32_t>(version >> 16),
          static_cast<uint32_t>(version & 0xffff)};
}

std::vector<uint64_t> first_pfns(uint64_t pages) {
  std::vector<uint64_t> pfns(pages);
  std::iota(pfns.begin(), pfns.end(), 0);
  return pfns;
}

std::vector<uint64_t> united(const std::vector<uint64_t>& left, const std::vector<uint64_t>& right) {
  std::vector<uint64_t> all;
  std::ranges::set_union(left, right, std::back_inserter(all));
  return all;
}

class Saver {
 public:
  Saver(const Tools& tools, const xen_domctl_getdomaininfo& info, ByteSink& sink, RoundObserver on_round = {})
      : tools_(tools),
        info_(info),
        domain_(info.domain),
        control_(tools.dom0, domain_),
        writer_(sink, header_of(tools, info)),
        on_round_(std::move(on_round)) {}

  SaveReport run() {
    save_static_data();
    if (is_hvm()) {
      save_hvm();
    } else {
      save_pv();
    }
    return end();
  }

  SaveReport run_live(const std::function<void()>& suspend, const LiveOptions& options) {
    save_static_data();
    DirtyLog log(tools_.dom0, domain_);
    const Extent extent = measure();
    const PageReader reader(tools_, domain_, nullptr);
    std::vector<uint64_t> dirty = first_pfns(extent.pages);
    for (unsigned round = 0; round < options.rounds_max && dirty.size() > options.pages_left; ++round) {
      save_round(reader, dirty);
      dirty = log.harvest(extent.pages);
    }
    suspend();
    info_ = suspended(tools_, domain_);
    must_be_as(extent);
    std::vector<uint64_t> last = log.harvest(extent.pages);
    if (fault("save.last_writes_dropped")) last.clear();
    save_round(reader, united(dirty, last));
    log.stop();
    save_hvm_state();
    return end();
  }

  SaveReport run_checkpoints(const CheckpointPlan& plan) {
    save_static_data();
    std::optional<DirtyLog> log;
    std::optional<Extent> extent;
    if (is_hvm()) {
      log.emplace(tools_.dom0, domain_);
      extent = measure();
    }
    for (uint64_t checkpoint = 0;; ++checkpoint) {
      plan.suspend();
      info_ = suspended(tools_, domain_);
      if (log) {
        must_be_as(*extent);
        const std::vector<uint64_t> dirty = log->harvest(extent->pages);
        const PageReader reader(tools_, domain_, nullptr);
        save_round(reader, checkpoint == 0 ? first_pfns(extent->pages) : dirty);
        save_hvm_state();
      } else {
        save_pv();
      }
      if (checkpoint == plan.checkpoints) break;
      writer_.write(Marker{RecordType::kCheckpoint});
      tools_.window.unmap();
      plan.go_on();
    }
    if (log) log->stop();
    return end();
  }

 private:
  /// Which memory an HVM domain has; who follows its writes cannot follow that.
  struct Extent {
    uint64_t pages = 0;
    std::vector<bool> present;
  };

  [[nodiscard]] Extent measure() const {
    const uint64_t pages = hvm_pages();
    return {pages, PageReader(tools_, domain_, nullptr).present(first_pfns(pages))};
  }

  void must_be_as(const Extent& before) const {
    const Extent now = measure();
    if (now.pages == before.pages && now.present == before.present) return;
    throw ToolstackError("the domain got or gave back memory while it was sent, which a live save cannot follow");
  }

  SaveReport end() {
    tools_.window.unmap();
    // The last thing that can fail here is writing it: a stream with an error is never a whole one.
    writer_.write(Marker{RecordType::kEnd});
    report_.bytes = writer_.bytes_written();
    return report_;
  }

  void save_static_data() {
    if (!is_hvm()) writer_.write(PvInfo{});
    if (const auto policy = control_.cpu_policy()) {
      if (!policy->cpuid.empty()) writer_.write(Blob{RecordType::kCpuidPolicy, policy->cpuid});
      if (!policy->msrs.empty()) writer_.write(Blob{RecordType::kMsrPolicy, policy->msrs});
    } else {
      leave_out(RecordType::kCpuidPolicy);
      leave_out(RecordType::kMsrPolicy);
    }
    writer_.write(Marker{RecordType::kStaticDataEnd});
  }

  void save_pv() {
    const uint64_t frame = info_.shared_info_frame;
    SharedInfoPage shared{Bytes(kPageSize)};
    tools_.window.read(domain_, std::span(&frame, 1), shared.content);
    arch_shared_info arch;
    std::memcpy(&arch, &shared.content[offsetof(shared_info, arch)], sizeof arch);
    const GuestP2m p2m = read_guest_p2m(tools_.window, domain_, arch);
    save_p2m_frames(p2m);
    save_round(PageReader(tools_, domain_, &p2m), first_pfns(p2m.mfns.size()));
    writer_.write(control_.tsc_info());
    writer_.write(shared);
    for (uint32_t vcpu = 0; vcpu <= info_.max_vcpu_id; ++vcpu) {
      if (control_.is_online(vcpu)) save_vcpu(vcpu, p2m);
    }
  }

  [[nodiscard]] bool is_hvm() const { return (info_.flags & XEN_DOMINF_hvm_guest) != 0; }

  [[nodiscard]] uint64_t hvm_pages() const {
    const uint64_t last = control_.last_gfn();
    if (last >= kGfnsMax) {
      throw ToolstackError("the domain's last gfn is " + std::to_string(last) + "; less than " +
                           std::to_string(kGfnsMax) + " is supported");
    }
    return last + 1;
  }

  void save_hvm() {
    save_round(PageReader(tools_, domain_, nullptr), first_pfns(hvm_pages()));
    save_hvm_state();
  }

  void save_hvm_state() {
    writer_.write(control_.tsc_info());
    HvmParams params;
    for (const uint32_t index : kSavedParams) {
      if (const uint64_t value = control_.hvm_param(index); value != 0) params.params.push_back({index, value});
    }
    if (!params.params.empty()) writer_.write(params);
    writer_.write(Blob{RecordType::kHvmContext, control_.hvm_context()});
  }

  void save_round(const PageReader& reader, const std::vector<uint64_t>& pfns) {
    const uint64_t sent = save_pages(reader, pfns);
    report_.rounds.push_back(sent);
    if (on_round_) on_round_({pfns.size(), sent});
  }

  /// How many had content.
  uint64_t save_pages(const PageReader& reader, const std::vector<uint64_t>& pfns) {
    uint64_t sent = 0;
    for (uint64_t first = 0; first < pfns.size(); first += kBatchPages) {
      const uint64_t count = std::min(kBatchPages, pfns.size() - first);
      PageData record = reader.read(std::span(pfns).subspan(first, count), room_);
      if (record.pages.empty()) continue;
      sent += record.content.size() / kPageSize;
      writer_.write(std::move(record));
    }
    report_.pages += sent;
    return sent;
  }

  void save_p2m_frames(const GuestP2m& p2m) {
    P2mFrames record{0, static_cast<uint32_t>(p2m.mfns.size() - 1), {}};
    for (const uint64_t mfn : p2m.frames) {
      const auto pfn = p2m.pfn_of(mfn);
      if (!pfn) throw ToolstackError("the guest's p2m list lies in a frame that is not in it");
      record.frames.push_back(*pfn);
    }
    writer_.write(record);
  }

  void save_vcpu(uint32_t vcpu, const GuestP2m& p2m) {
    VcpuState basic{RecordType::kVcpuBasic, vcpu, control_.vcpu_state(RecordType::kVcpuBasic, vcpu).value()};
    vcpu_guest_context context;
    std::memcpy(&context, basic.context.data(), sizeof context);
    const std::string bad = translate_context(context, vcpu, [&](uint64_t mfn) { return p2m.pfn_of(mfn); });
    if (!bad.empty()) {
      throw ToolstackError("vCPU " + std::to_string(vcpu) + ": " + bad + " is not in the guest's p2m list");
    }
    std::memcpy(basic.context.data(), &context, sizeof context);
    writer_.write(basic);
    for (const RecordType type : {RecordType::kVcpuExtended, RecordType::kVcpuXsave, RecordType::kVcpuMsrs}) {
      const auto state = control_.vcpu_state(type, vcpu);
      if (!state) leave_out(type);
      if (state && !state->empty()) writer_.write(VcpuState{type, vcpu, *state});
    }
  }

  void leave_out(RecordType type) {
    const std::string name = name_of(type);
    if (std::ranges::find(report_.left_out, name) == report_.left_out.end()) report_.left_out.push_back(name);
  }

  Tools tools_;
  xen_domctl_getdomaininfo info_;
  DomId domain_;
  StateControl control_;
  StreamWriter writer_;
  RoundObserver on_round_;
  PageRoom room_;
  SaveReport report_;
};

template <typename Save>
SaveReport unmapped_on_error(const Tools& tools, Save save) {
  try {
    return save();
  } catch (...) {
    // What is mapped keeps the domain from going; the first error is the one that tells.
    try {
      tools.window.unmap();
    } catch (const ToolstackError&) {
    }
    throw;
  }
}

/// Asks all the same, so that what the hypervisor answers is told.
[[noreturn]] void refuse_live_pv(const Tools& tools, DomId domain) {
  std::string answer = "this toolstack follows none";
  try {
    DirtyLog(tools.dom0, domain).stop();
  } catch (const ToolstackError& error) {
    answer = error.what();
  }
  throw ToolstackError("domain " + std::to_string(domain.raw()) +
                       " is PV and cannot be saved while it runs: that takes shadow page tables; " + answer +
                       ". It runs on, and nothing was written: have it suspend itself, and save it then");
}

}  // namespace

SaveReport save_domain(const Tools& tools, DomId domain, ByteSink& sink, const RoundObserver& on_round) {
  return unmapped_on_error(tools, [&] { return Saver(tools, suspended(tools, domain), sink, on_round).run(); });
}

SaveReport save_live(const Tools& tools, DomId domain, ByteSink& sink, const std::function<void()>& suspend,
                     const LiveOptions& options) {
  const xen_domctl_getdomaininfo info = must_be_there(tools, domain);
  if ((info.flags & XEN_DOMINF_hvm_guest) == 0) refuse_live_pv(tools, domain);
  return unmapped_on_error(tools,
                           [&] { return Saver(tools, info, sink, options.on_round).run_live(suspend, options); });
}

SaveReport save_checkpoints(const Tools& tools, DomId domain, ByteSink& sink, const CheckpointPlan& plan) {
  const xen_domctl_getdomaininfo info = must_be_there(tools, domain);
  return unmapped_on_error(tools, [&] { return Saver(tools, info, sink).run_checkpoints(plan); });
}

}  // namespace assay::migration
