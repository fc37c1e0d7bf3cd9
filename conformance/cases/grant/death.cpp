/// Grants when one of the two domains dies.
#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_copy.hpp"
#include "conformance/guest/grant_pair.hpp"
#include "conformance/guest/wait.hpp"
#include "conformance/guest/waiting_upcall.hpp"

namespace assay {
namespace {

constexpr GrantRef kRef = GrantPair::kRef;

bool exists(DomctlOps& control, DomId dom) {
  const auto info = control.domain_info(dom);
  return info.result == 0 && info.arg.u.getdomaininfo.domain == dom.raw();
}

/// Tears a domain down; it stays, dying, while somebody has its memory mapped.
void kill(CaseContext& c, DomctlOps& control, DomId dom) {
  c.require(wait_until(c, [&] { return control.call(XEN_DOMCTL_destroydomain, dom).result == 0; }), "tearing down");
}

const Case kMapperDies{{
    .slug = "grant.death.mapper.mappings_released",
    .rule =
        "When the mapper dies its mappings go: the granter sees its entries unused, and can do with them as before.",
    .source = "public/grant_table.h, GTF_reading, GTF_writing",
    .requirements = {"GNT-UNMAP-011", "DOM-LIFE-005"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          const GrantRef readonly{20};
          pair.permit();
          pair.table.permit(readonly, pair.to(), pair.frame, GTF_readonly);
          for (int i = 0; i < 10; ++i) (void)pair.map();
          (void)pair.map(GNTMAP_host_map | GNTMAP_readonly);
          const GrantWindow at = pair.window();
          const GrantMap read{.host_addr = at.host_addr,
                              .ref = readonly,
                              .dom = pair.table.dom(),
                              .flags = GNTMAP_host_map | GNTMAP_readonly};
          (void)must_map(c, pair.ops, read);
          if (c.pv()) {
            check_status(c, pair.ops.map(pair.request(0, GNTMAP_device_map)), GNTST_okay, "a device mapping");
          }
          c.check_eq(pair.table.in_use(kRef), kInUse, "use of the first entry");
          c.check_eq(pair.table.in_use(readonly), GTF_reading, "use of the second entry");
          c.target().destroy_guest(c.guest());
          c.check_eq(pair.table.flags(kRef), GTF_permit_access, "flags of the first entry in the end");
          c.check_eq(pair.table.flags(readonly), GTF_permit_access | GTF_readonly, "flags of the second in the end");
          GrantOps theirs(pair.granter);
          check_status(c, theirs.swap(kRef, readonly), GNTST_okay, "swapping them");
          c.check_eq(theirs.set_version(2).result, 0, "changing the version");
          c.check_eq(pair.granter.read<uint64_t>(pair.page), GrantPair::kGrantedWord, "the page");
        },
}};

const Case kManyMappings{{
    .slug = "grant.death.mapper_of_many.given_back_between_upcalls",
    .rule =
        "What a dying domain had mapped is given back piece by piece: whoever destroys it is let through to its events "
        "before all of it is, and in the end none is left.",
    .source = "xen/common/grant_table.c, gnttab_release_mappings",
    .method = "Device mappings, which take no place; an upcall waits when dom0 begins.",
    .requirements = {"GNT-UNMAP-011", "HCALL-011"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kRefs = 16, kEach = 120;  // an entry counts no more than 127 mappings of a kind
          GrantPair pair(c);
          for (uint32_t i = 0; i < kRefs; ++i) {
            const GrantRef ref{kRef.raw() + i};
            pair.table.permit(ref, pair.to(), pair.frame);
            const GrantMap in{.host_addr = 0, .ref = ref, .dom = pair.table.dom(), .flags = GNTMAP_device_map};
            std::vector<gnttab_map_grant_ref_t> maps(kEach, GrantOps::map_request(in));
            c.require_eq(pair.ops.array(GNTTABOP_map_grant_ref, maps), 0, "set-up: mapping");
            c.require_eq(maps.back().status, GNTST_okay, "set-up: the last one");
          }
          const GrantRef last{kRef.raw() + kRefs - 1};
          Vcpu& dom0 = c.dom0().vcpu(0);
          DomctlOps control(dom0);
          const GuestStruct<xen_domctl_t> argument(dom0, DomctlOps::request(XEN_DOMCTL_destroydomain, pair.to()));
          WaitingUpcall upcall(c, dom0);
          const Interrupted at = upcall.call(__HYPERVISOR_domctl, argument.va().raw());
          c.require(at.was_preempted, "destroydomain lets the upcall through");
          // In which order they are given back is nobody's promise.
          c.check_eq(pair.table.in_use(kRef) | pair.table.in_use(last), kInUse, "use of the first or the last, then");
          c.check_eq(dom0.hypercall(at.next_number, {at.next_argument}), 0, "destroydomain, continued");
          c.check_eq(pair.table.in_use(kRef) | pair.table.in_use(last), 0, "use of them, afterwards");
          c.check(wait_until(c, [&] { return !exists(control, pair.to()); }), "the domain is gone");
        },
}};

const Case kMapperDiesV2{{
    .slug = "grant.death.mapper.v2_status_clears",
    .rule = "In version 2 it is the status words that the mapper's death clears.",
    .source = "public/grant_table.h, GNTTABOP_get_status_frames",
    .requirements = {"GNT-UNMAP-011", "GNT-V2-002"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c, 2);
          pair.permit();
          (void)pair.map();
          (void)pair.map(GNTMAP_host_map | GNTMAP_readonly);
          c.check_eq(pair.table.status(kRef), kInUse, "status word");
          c.target().destroy_guest(c.guest());
          c.check_eq(pair.table.status(kRef), 0u, "status word in the end");
          c.check_eq(pair.table.flags(kRef), GTF_permit_access, "flags word in the end");
        },
}};

const Case kGranterDies{{
    .slug = "grant.death.granter.mapping_lasts",
    .rule = "A page that is mapped outlives its granter, whose id stays until the last mapping is gone.",
    .source = "public/grant_table.h, GNTTABOP_map_grant_ref",
    .requirements = {"DOM-LIFE-005", "GNT-MAP-022"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          const DomId dying = pair.table.dom();
          DomctlOps control(c.dom0().vcpu(0));
          kill(c, control, dying);
          c.target().pass_time(kWatchNs);
          c.check(exists(control, dying), "the granter's id is still there");
          c.check_eq(pair.mapper.read<uint64_t>(mapped.at.va), GrantPair::kGrantedWord, "what the mapper reads");
          pair.mapper.write(mapped.at.va, uint64_t{0x1234});
          c.check_eq(pair.mapper.read<uint64_t>(mapped.at.va), 0x1234u, "what the mapper wrote");
          must_unmap(c, pair.ops, mapped.handle, mapped.at);
          c.check(nothing_there(pair.mapper, mapped.at), "nothing is mapped any more");
          c.check(wait_until(c, [&] { return !exists(control, dying); }), "the granter's id goes after the unmap");
        },
}};

const Case kDyingGranter{{
    .slug = "grant.death.dying_granter.nothing_new",
    .rule = "Nothing new is mapped, or copied, of a domain that is dying; no page goes there.",
    .source = "Xen 4.17, teardown of domains",
    .requirements = {"DOM-LIFE-008", "GNT-MAP-013", "GNT-MAP-020"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          const GrantRef other{20};
          const Gva page = c.peer().alloc_pages(1);
          pair.permit();
          pair.table.permit(other, pair.to(), c.peer().gfn_of(page));
          const auto mapped = pair.map();
          const DomId dying = pair.table.dom();
          DomctlOps control(c.dom0().vcpu(0));
          kill(c, control, dying);
          const GrantWindow at = pair.window();
          const auto map = pair.ops.map({.host_addr = at.host_addr, .ref = other, .dom = dying});
          c.check_eq(map.result, 0, "mapping another page: result");
          c.check(map.arg.status < 0, "mapping another page is refused");
          c.check(nothing_there(pair.mapper, at), "nothing is mapped");
          const Gva own = c.guest().alloc_pages(1);
          const auto copy = pair.ops.copy(copy_request(by_ref(other, dying), by_frame(c.guest().gfn_of(own)), 8));
          c.check(copy.arg.status < 0, "copying from another page is refused");
          c.check_eq(pair.mapper.read<uint64_t>(own), 0u, "own page");
          check_status(c, pair.ops.query_size(dying), GNTST_permission_denied, "its size");
          must_unmap(c, pair.ops, mapped.handle, mapped.at);
        },
}};

const Case kNoGhost{{
    .slug = "grant.death.granter_gone.bad_domain",
    .rule = "When the granter is gone its grants are those of an absent domain.",
    .source = "public/grant_table.h, GNTST_bad_domain",
    .requirements = {"GNT-MAP-003", "GNT-COPY-003"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          pair.unmap(pair.map());
          const GrantMap request = pair.request(pair.window().host_addr);
          const DomId gone = pair.table.dom();
          c.target().destroy_guest(c.peer());
          check_status(c, pair.ops.map(request), GNTST_bad_domain, "mapping");
          const Gva own = c.guest().alloc_pages(1);
          check_status(c, pair.ops.copy(copy_request(by_ref(kRef, gone), by_frame(c.guest().gfn_of(own)), 8)),
                       GNTST_bad_domain, "copying");
        },
}};

const Case kBothDie{{
    .slug = "grant.death.mapper_then_granter.both_gone",
    .rule = "Pages that a dead domain had mapped keep nobody: the granter can be destroyed, and its id is gone.",
    .source = "public/domctl.h, XEN_DOMCTL_destroydomain",
    .requirements = {"GNT-UNMAP-011", "DOM-LIFE-006"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          DomctlOps control(c.dom0().vcpu(0));
          pair.permit();
          (void)pair.map();
          (void)pair.map(GNTMAP_host_map | GNTMAP_readonly);
          const DomId granter = pair.table.dom();
          const DomId mapper = pair.to();
          kill(c, control, mapper);
          c.check(wait_until(c, [&] { return !exists(control, mapper); }), "the mapper is gone");
          kill(c, control, granter);
          c.check(wait_until(c, [&] { return !exists(control, granter); }), "the granter is gone");
        },
}};

}  // namespace
}  // namespace assay
