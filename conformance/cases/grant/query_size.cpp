/// GNTTABOP_query_size.
#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_pair.hpp"

namespace assay {
namespace {

const Case kCount{{
    .slug = "grant.query_size.count_not_one.einval",
    .rule = "query_size takes one structure: any other count gives EINVAL, and nothing is written.",
    .source = "public/grant_table.h, GNTTABOP_query_size",
    .requirements = {"GNT-QSIZE-001"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          for (const size_t count : {size_t{0}, size_t{2}}) {
            auto list = GrantOps::batch<gnttab_query_size_t>(count);
            for (auto& entry : list) {
              entry.dom = DOMID_SELF;
              entry.nr_frames = entry.max_nr_frames = kUntouched32;
              entry.status = kUntouchedStatus;
            }
            c.check_eq(ops.array(GNTTABOP_query_size, list), -XEN_EINVAL, "count " + std::to_string(count));
            for (const auto& entry : list) {
              c.check_eq(entry.status, kUntouchedStatus, "status field");
              c.check_eq(entry.nr_frames, kUntouched32, "nr_frames field");
            }
          }
        },
}};

const Case kSizes{{
    .slug = "grant.query_size.self.current_and_maximum",
    .rule = "query_size reports the frames the table has, at least one, and the most it may have; it changes neither.",
    .source = "public/grant_table.h, GNTTABOP_query_size",
    .requirements = {"GNT-QSIZE-002"},
    .body =
        [](CaseContext& c) {
          GuestSpec spec = c.guest_spec();
          spec.max_grant_frames = 5;
          GrantOps ops(c.guest(spec).vcpu(0));
          const auto at_first = ops.query_size();
          check_status(c, at_first, GNTST_okay, "a new domain");
          c.check_eq(at_first.arg.nr_frames, 1u, "frames of a new domain");
          c.check_eq(at_first.arg.max_nr_frames, 5u, "its limit");
          c.require_eq(ops.setup_table(4).status, GNTST_okay, "growing");
          const auto grown = ops.query_size();
          c.check_eq(grown.arg.nr_frames, 4u, "frames after growing");
          c.check_eq(grown.arg.max_nr_frames, 5u, "the limit after growing");
        },
}};

const Case kForeign{{
    .slug = "grant.query_size.foreign_domain.status",
    .rule = "An absent domain gives bad_domain, a foreign one without privilege permission_denied; no size is told.",
    .source = "public/grant_table.h, GNTTABOP_query_size",
    .requirements = {"GNT-QSIZE-003"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          for (const DomId dom : {kDomAbsent, kDomInvalid, kDomXen}) {
            check_status(c, ops.query_size(dom), GNTST_bad_domain, "domain " + std::to_string(dom.raw()));
          }
          for (const DomId dom : {c.peer().id(), DomId{0}}) {
            const auto got = ops.query_size(dom);
            check_status(c, got, GNTST_permission_denied, "a foreign domain");
            c.note("nr_frames " + std::to_string(got.arg.nr_frames) + " max " + std::to_string(got.arg.max_nr_frames));
          }
          check_status(c, ops.query_size(c.guest().id()), GNTST_okay, "itself by its number");
        },
}};

}  // namespace
}  // namespace assay
