/// What CPUID may say to a domain: levelled and set by a toolstack before the domain runs.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/cpu_policies.hpp"
#include "conformance/guest/empty_domain.hpp"
#include "conformance/guest/errno.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/domctl.h, xen_domctl_cpu_policy";
constexpr uint32_t kLeaves = CpuPolicyOps::kLeavesMax, kMsrs = CpuPolicyOps::kMsrsMax;
constexpr uint32_t kExtended = 0x8000'0000;
constexpr uint32_t kNone = ~0u;  ///< in err_leaf and its like: not that
constexpr uint32_t kPlatformInfo = 0xce;
constexpr uint32_t kWideCompare = 1u << 13, kHypervisor = 1u << 31;

bool same_leaves(const std::vector<xen_cpuid_leaf_t>& a, const std::vector<xen_cpuid_leaf_t>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(xen_cpuid_leaf_t)) == 0;
}

/// A domain of the variant's type that has not run.
struct Unborn {
  explicit Unborn(CaseContext& c)
      : control(c.dom0().vcpu(0)),
        domain(c, control, c.pv() ? empty_domain() : empty_pvh_domain()),
        ops(c.dom0().vcpu(0)),
        leaves(ops.leaves_of(domain.id())) {}

  /// Sets the policy with one leaf changed.
  template <typename Change>
  xen_domctl_t set(uint32_t leaf, uint32_t subleaf, Change change) {
    std::vector<xen_cpuid_leaf_t> changed = leaves;
    xen_cpuid_leaf_t* const entry = find_leaf(changed, leaf, subleaf);
    if (entry == nullptr) throw HarnessFault("a policy without leaf " + show(leaf));
    change(*entry);
    const auto done = ops.set(domain.id(), changed);
    result = done.result;
    return done.arg;
  }
  xen_cpuid_leaf_t leaf(uint32_t number, uint32_t subleaf = XEN_CPUID_NO_SUBLEAF) {
    std::vector<xen_cpuid_leaf_t> now = ops.leaves_of(domain.id());
    return *find_leaf(now, number, subleaf);
  }

  DomctlOps control;
  EmptyDomain domain;
  CpuPolicyOps ops;
  std::vector<xen_cpuid_leaf_t> leaves;
  int64_t result = 0;
};

const Case kRoom{{
    .slug = "domctl.get_cpu_policy.room.counts_told",
    .rule =
        "Without lists get_cpu_policy tells how many leaves and MSRs there can be; with lists, how many there are. Too "
        "little room for either gives ENOBUFS, a list that cannot be written EFAULT; counts stay then.",
    .source = kSource,
    .requirements = {"MIG-027"},
    .body =
        [](CaseContext& c) {
          CpuPolicyOps ops(c.dom0().vcpu(0));
          const DomId id = c.guest().id();
          const auto asked = ops.get(id, 0, 0, false);
          c.require_eq(asked.result, 0, "without lists");
          const xen_domctl_cpu_policy most = asked.arg.u.cpu_policy;
          const auto got = ops.get(id, kLeaves, kMsrs);
          c.require_eq(got.result, 0, "get");
          const xen_domctl_cpu_policy there = got.arg.u.cpu_policy;
          c.check(there.nr_leaves > 2 && there.nr_leaves <= most.nr_leaves, "leaves");
          c.check(there.nr_msrs >= 1 && there.nr_msrs <= most.nr_msrs, "MSRs");
          const auto leaves = ops.leaves(there.nr_leaves + 1);
          c.check_eq(leaves.front().leaf, 0u, "first leaf");
          c.check_eq(leaves.back().leaf, kUntouched32, "the entry behind the last one");
          const auto few_leaves = ops.get(id, there.nr_leaves - 1, kMsrs);
          c.check_eq(few_leaves.result, -XEN_ENOBUFS, "one leaf too few");
          c.check_eq(few_leaves.arg.u.cpu_policy.nr_leaves, there.nr_leaves - 1, "leaves: the count afterwards");
          const auto few_msrs = ops.get(id, kLeaves, there.nr_msrs - 1);
          c.check_eq(few_msrs.result, -XEN_ENOBUFS, "one MSR too few");
          c.check_eq(few_msrs.arg.u.cpu_policy.nr_leaves, kLeaves, "MSRs: the count of leaves afterwards");
          c.check_eq(ops.get(id, there.nr_leaves, there.nr_msrs).result, 0, "room for just that");
          c.check_eq(ops.get(c.dom0().id(), kLeaves, kMsrs).result, 0, "the caller's own");
        },
}};

const Case kAsSeen{{
    .slug = "domctl.get_cpu_policy.leaves.as_the_guest_sees",
    .rule = "The leaves of a domain's policy are what CPUID tells its guest: vendor, features, limits.",
    .source = kSource,
    .method = "Features that depend on what the guest has enabled (OSXSAVE, APIC) are left out.",
    .requirements = {"MIG-027"},
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kDynamicC = 1u << 27, kDynamicD = 1u << 9;
          CpuPolicyOps ops(c.dom0().vcpu(0));
          std::vector<xen_cpuid_leaf_t> leaves = ops.leaves_of(c.guest().id());
          for (const uint32_t leaf : {0u, 1u, kExtended, kExtended + 2}) {
            const xen_cpuid_leaf_t* const entry = find_leaf(leaves, leaf);
            c.require(entry != nullptr, "leaf " + show(leaf) + " is there");
            const auto seen = c.vcpu().cpuid(leaf).value;
            c.check_eq(seen[0], entry->a, "eax of leaf " + show(leaf));
            c.check_eq(seen[2] & ~kDynamicC, entry->c & ~kDynamicC, "ecx of leaf " + show(leaf));
            c.check_eq(seen[3] & ~kDynamicD, entry->d & ~kDynamicD, "edx of leaf " + show(leaf));
          }
        },
}};

const Case kRunning{{
    .slug = "domctl.set_cpu_policy.domain_has_run.eexist",
    .rule = "The policy of a domain that has run stays: EEXIST. So does the caller's own: EINVAL.",
    .source = kSource,
    .requirements = {"MIG-028"},
    .body =
        [](CaseContext& c) {
          CpuPolicyOps ops(c.dom0().vcpu(0));
          const DomId id = c.guest().id();
          const std::vector<xen_cpuid_leaf_t> leaves = ops.leaves_of(id);
          c.check_eq(ops.set(id, leaves).result, -XEN_EEXIST, "a domain that runs");
          c.check_eq(ops.set(id, {}).result, -XEN_EEXIST, "nothing at all");
          c.check_eq(ops.set(c.dom0().id(), leaves).result, -XEN_EINVAL, "the caller");
          c.check(same_leaves(ops.leaves_of(id), leaves), "the policy is as it was");
        },
}};

const Case kSaved{{
    .slug = "domctl.set_cpu_policy.what_was_saved.same_again",
    .rule =
        "What get_cpu_policy handed out can be set, before and after a domain has vCPUs, and is the same afterwards; "
        "leaves that are left out stay.",
    .source = kSource,
    .requirements = {"MIG-028"},
    .body =
        [](CaseContext& c) {
          Unborn t(c);
          c.check_eq(t.ops.set(t.domain.id(), t.leaves).result, 0, "set");
          c.check(same_leaves(t.ops.leaves_of(t.domain.id()), t.leaves), "the same leaves");
          c.check_eq(t.ops.set(t.domain.id(), {}).result, 0, "set nothing");
          c.check_eq(t.ops.set(t.domain.id(), {t.leaves.begin(), t.leaves.begin() + 2}).result, 0, "set two leaves");
          c.check(same_leaves(t.ops.leaves_of(t.domain.id()), t.leaves), "the same leaves after that");
          add_vcpus(c, t.control, t.domain.id());
          c.check_eq(t.ops.set(t.domain.id(), t.leaves).result, 0, "set with a vCPU");
        },
}};

const Case kLevelled{{
    .slug = "domctl.set_cpu_policy.features.levelled",
    .rule = "Features can be taken from a policy and given back; those that the machine has not are dropped without an "
            "error, and the width of addresses stays the machine's.",
    .source = kSource,
    .requirements = {"MIG-029"},
    .body =
        [](CaseContext& c) {
          Unborn t(c);
          const xen_cpuid_leaf_t before = t.leaf(1);
          t.set(1, XEN_CPUID_NO_SUBLEAF, [](xen_cpuid_leaf_t& leaf) { leaf.c &= ~kWideCompare; });
          c.check_eq(t.result, 0, "without CMPXCHG16B, which no other feature needs");
          c.check_eq(t.leaf(1).c, before.c & ~kWideCompare, "ecx of leaf 1");
          t.set(1, XEN_CPUID_NO_SUBLEAF, [](xen_cpuid_leaf_t& leaf) { leaf.c = leaf.d = ~0u; });
          c.check_eq(t.result, 0, "all features that there could be");
          const xen_cpuid_leaf_t all = t.leaf(1);
          c.check_ne(all.c, ~0u, "not all of ecx");
          c.check_ne(all.d, ~0u, "not all of edx");
          c.check_eq(all.c & before.c, before.c, "those that there were");
          c.check((all.c & kHypervisor) != 0, "and the bit of a hypervisor");
          const uint32_t widths = t.leaf(kExtended + 8).a;
          t.set(kExtended + 8, XEN_CPUID_NO_SUBLEAF, [](xen_cpuid_leaf_t& leaf) { leaf.a = 0xffffff; });
          c.check_eq(t.result, 0, "other widths of addresses");
          c.check_eq(t.leaf(kExtended + 8).a, widths, "widths afterwards");
          t.set(kExtended + 2, XEN_CPUID_NO_SUBLEAF, [](xen_cpuid_leaf_t& leaf) { leaf.a = 0x41414141; });
          c.check_eq(t.leaf(kExtended + 2).a, 0x41414141u, "another name");
          t.set(0, XEN_CPUID_NO_SUBLEAF, [](xen_cpuid_leaf_t& leaf) { leaf.a = 1; });
          c.check_eq(t.leaf(0).a, 1u, "fewer leaves");
        },
}};

const Case kTooMuch{{
    .slug = "domctl.set_cpu_policy.more_than_machine.einval_named",
    .rule = "A policy with more leaves than the machine has gives EINVAL and says which leaf; nothing changes.",
    .source = kSource,
    .requirements = {"MIG-030"},
    .body =
        [](CaseContext& c) {
          Unborn t(c);
          const auto refused = [&](uint32_t leaf, uint32_t subleaf, auto change) {
            const xen_domctl_cpu_policy error = t.set(leaf, subleaf, change).u.cpu_policy;
            c.check_eq(t.result, -XEN_EINVAL, "leaf " + show(leaf));
            c.check_eq(error.err_leaf, leaf, "the leaf that is named");
            c.check_eq(error.err_subleaf, subleaf, "its subleaf");
            c.check_eq(error.err_msr, kNone, "no MSR");
          };
          refused(0, XEN_CPUID_NO_SUBLEAF, [](xen_cpuid_leaf_t& leaf) { ++leaf.a; });
          refused(7, 0, [](xen_cpuid_leaf_t& leaf) { leaf.a = 100; });
          refused(kExtended, XEN_CPUID_NO_SUBLEAF, [](xen_cpuid_leaf_t& leaf) { leaf.a = kExtended + 0xff; });
          c.check(same_leaves(t.ops.leaves_of(t.domain.id()), t.leaves), "the policy is as it was");
        },
}};

const Case kNoSuch{{
    .slug = "domctl.set_cpu_policy.no_such_leaf_or_msr.erange_named",
    .rule = "A leaf, a subleaf or an MSR that no policy has gives ERANGE and is named; flags of an MSR give EINVAL, a "
            "value "
            "with too many bits EOVERFLOW, lists that are too long E2BIG.",
    .source = kSource,
    .requirements = {"MIG-030"},
    .body =
        [](CaseContext& c) {
          Unborn t(c);
          const DomId id = t.domain.id();
          struct Place {
            uint32_t leaf, subleaf;
          };
          for (const Place at : {Place{0x20, kNone}, Place{0x50000000, kNone}, Place{kExtended + 0x100, kNone},
                                 Place{0xc0000000, kNone}, Place{1, 0}, Place{7, kNone}, Place{4, 50}}) {
            xen_cpuid_leaf_t leaf;
            std::memset(&leaf, 0, sizeof leaf);
            leaf.leaf = at.leaf;
            leaf.subleaf = at.subleaf;
            const auto done = t.ops.set(id, {leaf});
            c.check_eq(done.result, -XEN_ERANGE, "leaf " + show(at.leaf) + ", subleaf " + show(at.subleaf));
            c.check_eq(done.arg.u.cpu_policy.err_leaf, at.leaf, "the leaf that is named");
            c.check_eq(done.arg.u.cpu_policy.err_subleaf, at.subleaf, "its subleaf");
          }
          const auto msr = [&](uint32_t index, uint32_t flags, uint64_t value, int64_t result) {
            xen_msr_entry_t entry;
            entry.idx = index;
            entry.flags = flags;
            entry.val = value;
            const auto done = t.ops.set(id, {}, {entry});
            c.check_eq(done.result, result, "MSR " + show(index) + ", flags " + show(flags) + ", value " + show(value));
            if (result != 0) c.check_eq(done.arg.u.cpu_policy.err_msr, index, "the MSR that is named");
          };
          msr(0x123, 0, 0, -XEN_ERANGE);
          msr(kPlatformInfo, 1, 0, -XEN_EINVAL);
          msr(kPlatformInfo, 0, ~0ull, -XEN_EOVERFLOW);
          msr(kPlatformInfo, 0, 0, 0);
          const uint32_t most = t.ops.get(id, 0, 0, false).arg.u.cpu_policy.nr_leaves;
          c.check_eq(t.ops.set(id, std::vector(most + 1, t.leaves.front())).result, -XEN_E2BIG, "too many leaves");
          c.check(same_leaves(t.ops.leaves_of(id), t.leaves), "the policy is as it was");
        },
}};

const Case kMachine{{
    .slug = "sysctl.get_cpu_policy.six_policies.counts_told",
    .rule =
        "The machine's policies are those of the processor, of the hypervisor, and what guests may have at most and by "
        "default; there is no seventh, and reserved bits are zero: EINVAL. Room is told and taken as for a domain, but "
        "what was written is told even when the rest found none.",
    .source = "public/sysctl.h, xen_sysctl_cpu_policy",
    .requirements = {"MIG-031"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          CpuPolicyOps ops(c.dom0().vcpu(0));
          for (uint32_t index = XEN_SYSCTL_cpu_policy_raw; index <= XEN_SYSCTL_cpu_policy_hvm_default; ++index) {
            const auto most = ops.machine(index, 0, 0, false);
            c.check_eq(most.result, 0, "policy " + show(index) + ", without lists");
            const auto got = ops.machine(index, kLeaves, kMsrs);
            c.check_eq(got.result, 0, "policy " + show(index));
            const uint32_t leaves = got.arg.u.cpu_policy.nr_leaves;
            c.check(leaves > 2 && leaves <= most.arg.u.cpu_policy.nr_leaves, "leaves");
            c.check_eq(ops.machine(index, 1, kMsrs).result, -XEN_ENOBUFS, "room for one leaf");
            const auto no_msrs = ops.machine(index, kLeaves, 0);
            c.check_eq(no_msrs.result, -XEN_ENOBUFS, "room for no MSR");
            c.check_eq(no_msrs.arg.u.cpu_policy.nr_leaves, leaves, "leaves that were written");
            c.check_eq(ops.machine(index, kLeaves, kMsrs, true, 1).result, -XEN_EINVAL, "reserved bits");
          }
          for (const uint32_t index : {XEN_SYSCTL_cpu_policy_hvm_default + 1u, ~0u}) {
            c.check_eq(ops.machine(index, kLeaves, kMsrs).result, -XEN_EINVAL, "policy " + show(index));
          }
        },
}};

}  // namespace
}  // namespace assay
