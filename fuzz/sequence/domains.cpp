// A toolstack's domains: made, paused, given vCPUs and memory, asked about, destroyed.
#include <array>

#include "conformance/guest/spare_domains.hpp"
#include "conformance/model/domain_model.hpp"
#include "fuzz/sequence/families.hpp"

namespace assay::fuzz {
namespace {

using model::DomainModel;

constexpr uint32_t kSlots = SpareDomains::kSlots;
constexpr uint32_t kPfns = 6;
constexpr uint64_t kHeapGrowth = 4;  ///< pages

enum Kind : uint8_t {
  kCreate,
  kDestroy,
  kPause,
  kUnpause,
  kMaxVcpus,
  kSetLimit,
  kSetHandle,
  kPopulate,
  kDecrease,
  kAllocUnbound,
  kVcpuInfo,
};

constexpr std::array<OperationKind, 11> kKinds{{{"create", 10, 2},
                                                {"destroy", 4, 1},
                                                {"pause", 5, 1},
                                                {"unpause", 7, 1},
                                                {"max_vcpus", 6, 2},
                                                {"set_limit", 6, 2},
                                                {"set_handle", 2, 2},
                                                {"populate", 14, 3},
                                                {"decrease", 9, 3},
                                                {"alloc_unbound", 4, 1},
                                                {"vcpu_info", 4, 2}}};

class DomainsPlay : public Play {
 public:
  DomainsPlay(CaseContext& context, Journal& journal)
      : journal_(journal), domains_(context), model_(SpareDomains::kVcpus, SpareDomains::kFirstLimit) {
    free_at_first_ = domains_.free_pages();
  }

  void step(Operation& operation) override {
    const auto& arg = operation.arg;
    const uint32_t slot = arg[0] % kSlots;
    switch (static_cast<Kind>(operation.kind)) {
      case kCreate:
        create(slot, arg[1] % 2 != 0);
        break;
      case kDestroy:
        answered(domains_.destroy(slot), model_.destroy(slot), [&] { return fmt::format("destroy({})", slot); });
        break;
      case kPause:
        answered(domains_.pause(slot), model_.pause(slot), [&] { return fmt::format("pause({})", slot); });
        break;
      case kUnpause:
        answered(domains_.unpause(slot), model_.unpause(slot), [&] { return fmt::format("unpause({})", slot); });
        break;
      case kSetHandle:
        answered(domains_.set_handle(slot, static_cast<uint8_t>(arg[1])),
                 model_.set_handle(slot, static_cast<uint8_t>(arg[1])),
                 [&] { return fmt::format("set_handle({}, {})", slot, arg[1] % 256); });
        break;
      default:
        step_with_number(static_cast<Kind>(operation.kind), slot, arg);
    }
    compare(slot);
  }

  void compare_all() override {
    for (uint32_t slot = 0; slot < kSlots; ++slot) compare(slot);
    if (!model_.domains().empty()) return;
    // The hypervisor's own heap may have grown by a page or two: on the real Xen it does, once in thousands of steps.
    const uint64_t least = free_at_first_ - kHeapGrowth;
    const uint64_t free = domains_.free_pages(least);
    journal_.seen_as(0, free >= least, "true", fmt::format("{} pages of {}", free, least),
                     [] { return "domains.free_pages(least) >= least"; });
  }

  [[nodiscard]] std::unique_ptr<Play> clone() const override { return std::make_unique<DomainsPlay>(*this); }

 private:
  void create(uint32_t slot, bool is_pvh) {
    answered(domains_.create(slot, is_pvh), model_.create(slot, is_pvh),
             [&] { return fmt::format("create({}, {})", slot, is_pvh); });
  }
  void step_with_number(Kind kind, uint32_t slot, const std::array<uint16_t, 3>& arg) {
    if (kind == kMaxVcpus) {
      constexpr std::array<uint32_t, 8> kCounts{2, 2, 2, 2, 2, 1, 3, 0};
      const uint32_t count = kCounts[arg[1] % kCounts.size()];
      answered(domains_.max_vcpus(slot, count), model_.max_vcpus(slot, count),
               [&] { return fmt::format("max_vcpus({}, {})", slot, count); });
    } else if (kind == kSetLimit) {
      const uint64_t pages = arg[1] % 12;
      answered(domains_.set_limit(slot, pages), model_.set_limit(slot, pages),
               [&] { return fmt::format("set_limit({}, {})", slot, pages); });
    } else if (kind == kVcpuInfo) {
      const uint32_t vcpu = arg[1] % (SpareDomains::kVcpus + 1);
      answered(domains_.vcpu_info(slot, vcpu).result, model_.vcpu_info(slot, vcpu),
               [&] { return fmt::format("vcpu_info({}, {}).result", slot, vcpu); });
    } else if (kind == kAllocUnbound) {
      alloc_unbound(slot);
    } else {
      move_memory(kind, slot, arg[1] % kPfns, 1 + arg[2] % 3);
    }
  }
  void move_memory(Kind kind, uint32_t slot, uint32_t pfn, uint32_t count) {
    if (kind == kPopulate) {
      answered(domains_.populate(slot, pfn, count), model_.populate(slot, pfn, count),
               [&] { return fmt::format("populate({}, {}, {})", slot, pfn, count); });
    } else {
      answered(domains_.decrease(slot, pfn, count), model_.decrease(slot, pfn, count),
               [&] { return fmt::format("decrease({}, {}, {})", slot, pfn, count); });
    }
  }
  void alloc_unbound(uint32_t slot) {
    const int64_t expected = model_.alloc_unbound(slot);
    const PortResult actual = domains_.alloc_unbound(slot);
    const uint64_t n = journal_.steps();
    journal_.did([&] { return fmt::format("const PortResult port{} = domains.alloc_unbound({});", n, slot); });
    journal_.answered(actual.result, expected, [&] { return fmt::format("port{}.result", n); });
    if (expected != 0) return;
    journal_.answered(actual.port.raw(), model_.domains().at(slot).ports,
                      [&] { return fmt::format("port{}.port.raw()", n); });
  }

  void compare(uint32_t slot) {
    const auto info = domains_.info(slot);
    const DomainModel::Domain* const domain = std::as_const(model_).find(slot);
    const auto field = [&](std::string_view name) { return fmt::format("domains.info({}).{}", slot, name); };
    if (domain == nullptr) return compare_absent(slot, info);
    journal_.seen(info.result, 0, [&] { return field("result"); });
    if (info.result != 0) return;
    const xen_domctl_getdomaininfo& got = info.arg.u.getdomaininfo;
    journal_.seen(got.domain, SpareDomains::id(slot).raw(), [&] { return field("arg.domain"); });
    // Without a vCPU online it is neither blocked nor running. A shutdown code says nothing of who is not shut down.
    const uint32_t flags =
        (domain->pauses != 0 ? XEN_DOMINF_paused : 0u) | (domain->is_pvh ? XEN_DOMINF_hvm_guest | XEN_DOMINF_hap : 0);
    journal_.seen(got.flags & 0xffff, flags, [&] { return field("arg.u.getdomaininfo.flags & 0xffff"); });
    journal_.seen(got.tot_pages, domain->pages, [&] { return field("arg.u.getdomaininfo.tot_pages"); });
    journal_.seen(got.max_pages, domain->limit, [&] { return field("arg.u.getdomaininfo.max_pages"); });
    journal_.seen(got.nr_online_vcpus, 0, [&] { return field("arg.u.getdomaininfo.nr_online_vcpus"); });
    const uint32_t last = domain->has_vcpus ? SpareDomains::kVcpus - 1 : XEN_INVALID_MAX_VCPU_ID;
    journal_.seen(got.max_vcpu_id, last, [&] { return field("arg.u.getdomaininfo.max_vcpu_id"); });
    for (const size_t i : {size_t{0}, sizeof(got.handle) - 1}) {
      journal_.seen(got.handle[i], domain->handle,
                    [&] { return field(fmt::format("arg.u.getdomaininfo.handle[{}]", i)); });
    }
  }
  /// Asked about an id that is not there, the next domain answers.
  void compare_absent(uint32_t slot, const Called<xen_domctl_t>& info) {
    const auto next = model_.domains().upper_bound(slot);
    const bool is_last = next == model_.domains().end();
    journal_.seen(info.result, is_last ? -XEN_ESRCH : 0, [&] { return fmt::format("domains.info({}).result", slot); });
    if (is_last || info.result != 0) return;
    journal_.seen(info.arg.u.getdomaininfo.domain, SpareDomains::id(next->first).raw(),
                  [&] { return fmt::format("domains.info({}).arg.u.getdomaininfo.domain", slot); });
  }

  template <typename Make>
  void answered(int64_t actual, int64_t expected, Make call) {
    journal_.answered(actual, expected, [&] { return "domains." + call(); });
  }

  Journal& journal_;
  SpareDomains domains_;
  DomainModel model_;
  uint64_t free_at_first_ = 0;
};

}  // namespace

const Family& domains_family() {
  static const Family family{
      .name = "domains",
      .kinds = kKinds,
      .actors = 1,
      .spec = {.slug = "property.domains",
               .rule = "A toolstack's domains are, at every moment, what it made of them.",
               .source = "public/domctl.h",
               .guests = GuestTypes::kDom0,
               .needs = {Capability::kDom0}},
      .includes = {"conformance/guest/spare_domains.hpp"},
      .prologue = "SpareDomains domains(c);\n[[maybe_unused]] const uint64_t least = domains.free_pages() - 4;\n",
      .begin = begin_play<DomainsPlay>};
  return family;
}

}  // namespace assay::fuzz
