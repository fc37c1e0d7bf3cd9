/// GNTTABOP_setup_table: how a table grows, and what its owner and others are told of its frames.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_pair.hpp"

namespace assay {
namespace {

constexpr uint32_t kFramesMax = 8;

/// A guest whose table may have kFramesMax frames.
Domain& limited_guest(CaseContext& c) {
  GuestSpec spec = c.guest_spec();
  spec.max_grant_frames = kFramesMax;
  return c.guest(spec);
}

uint32_t frames_now(GrantOps& ops) {
  return ops.query_size().arg.nr_frames;
}

const Case kCount{{
    .slug = "grant.setup_table.count_not_one.einval",
    .rule = "setup_table takes one structure: any other count gives EINVAL, and nothing is written.",
    .source = "public/grant_table.h, GNTTABOP_setup_table",
    .requirements = {"GNT-SETUP-001"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          gnttab_setup_table_t argument{};
          argument.dom = DOMID_SELF;
          argument.nr_frames = 2;
          argument.status = kUntouchedStatus;
          Scratch memory(c.vcpu());
          set_handle(argument.frame_list, memory.va(1024));
          for (const uint64_t count : {0u, 2u, 3u, 0x7fffffffu}) {
            const Gva at = memory.put(argument);
            c.check_eq(ops.raw(GNTTABOP_setup_table, at, count), -XEN_EINVAL, "count " + std::to_string(count));
            c.check_eq(memory.get<gnttab_setup_table_t>().status, kUntouchedStatus, "status field");
          }
          c.check_eq(frames_now(ops), 1u, "frames afterwards");
        },
}};

const Case kOverLimit{{
    .slug = "grant.setup_table.over_limit.general_error",
    .rule = "More frames than the domain may have: status general_error with result 0, and the table stays as it is.",
    .source = "public/grant_table.h, GNTTABOP_setup_table",
    .method = "A domain created with a limit of 8 frames asks for 9, for 8, and for 9 again.",
    .requirements = {"GNT-SETUP-002", "GNT-QSIZE-002"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(limited_guest(c).vcpu(0));
          const auto size = ops.query_size();
          c.check_eq(size.arg.max_nr_frames, kFramesMax, "the limit");
          const auto over = ops.setup_table(kFramesMax + 1);
          c.check_eq(over.result, 0, "one frame too many: result");
          c.check_eq(over.status, GNTST_general_error, "one frame too many: status");
          c.check_eq(over.frames[0], kUntouched64, "frame list");
          c.check_eq(frames_now(ops), size.arg.nr_frames, "frames after the refusal");
          const auto all = ops.setup_table(kFramesMax);
          c.check_eq(all.result, 0, "as many as allowed: result");
          c.check_eq(all.status, GNTST_okay, "as many as allowed: status");
          c.check_eq(frames_now(ops), kFramesMax, "frames at the limit");
          c.check_eq(ops.setup_table(kFramesMax + 1).status, GNTST_general_error, "again one too many: status");
          c.check_eq(frames_now(ops), kFramesMax, "frames in the end");
        },
}};

const Case kHugeCount{{
    .slug = "grant.setup_table.huge_number.general_error",
    .rule = "A number of frames near the top of its type is over the limit like any other.",
    .source = "public/grant_table.h, GNTTABOP_setup_table",
    .requirements = {"GNT-SETUP-002"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          Scratch memory(c.vcpu());
          gnttab_setup_table_t argument{};
          argument.dom = DOMID_SELF;
          set_handle(argument.frame_list, memory.va(1024));
          for (const uint32_t frames : {0x7fffffffu, 0x80000000u, 0xffffffffu}) {
            argument.nr_frames = frames;
            argument.status = kUntouchedStatus;
            const Gva at = memory.put(argument);
            c.check_eq(ops.raw(GNTTABOP_setup_table, at), 0, std::to_string(frames) + " frames: result");
            c.check_eq(memory.get<gnttab_setup_table_t>().status, GNTST_general_error,
                       std::to_string(frames) + " frames: status");
          }
          c.check_eq(frames_now(ops), 1u, "frames afterwards");
        },
}};

const Case kGrows{{
    .slug = "grant.setup_table.success.grows_and_lists",
    .rule = "Success grows the table to the number of frames asked for and lists exactly so many; each is usable.",
    .source = "public/grant_table.h, GNTTABOP_setup_table",
    .method = "The granter grows its table to three frames and grants by an entry of the last one; the mapper maps it.",
    .requirements = {"GNT-SETUP-003", "GNT-QSIZE-002"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          GrantOps theirs(pair.granter);
          c.check_eq(frames_now(theirs), 1u, "frames of a new domain");
          const auto grown = theirs.setup_table(3);
          c.check_eq(grown.result, 0, "result");
          c.check_eq(grown.status, GNTST_okay, "status");
          for (size_t i = 0; i < 3; ++i) c.check_ne(grown.frames[i], kUntouched64, "entry " + std::to_string(i));
          c.check_eq(grown.frames[3], kUntouched64, "what lies behind the list");
          c.check_eq(frames_now(theirs), 3u, "frames afterwards");
          pair.table.grow(3);
          const GrantRef last{3 * kRefsPerFrameV1 - 1};
          pair.table.permit(last, pair.to(), pair.frame);
          const GrantWindow at = pair.window();
          const auto handle = must_map(c, pair.ops, {.host_addr = at.host_addr, .ref = last, .dom = pair.table.dom()});
          c.check_eq(pair.mapper.read<uint64_t>(at.va), GrantPair::kGrantedWord, "what the mapper sees");
          must_unmap(c, pair.ops, handle, at);
        },
}};

const Case kNeverShrinks{{
    .slug = "grant.setup_table.fewer_frames.size_kept",
    .rule = "Asking for fewer frames, or none, leaves the size and the entries; only that many are listed.",
    .source = "public/grant_table.h, GNTTABOP_setup_table: at least <nr_frames> pages",
    .requirements = {"GNT-SETUP-004"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          GrantTable table(c, c.vcpu(), 4);
          c.require_eq(ops.setup_table(4).status, GNTST_okay, "four frames");
          const GrantRef last{4 * kRefsPerFrameV1 - 1};
          table.put(last, entry_v1(GTF_permit_access, kDomAbsent, 77));
          for (const uint32_t fewer : {2u, 1u, 0u}) {
            const auto got = ops.setup_table(fewer);
            c.check_eq(got.result, 0, "result");
            c.check_eq(got.status, GNTST_okay, "status");
            c.check_eq(got.frames[fewer], kUntouched64, "what lies behind the list");
            c.check_eq(frames_now(ops), 4u, "frames after asking for " + std::to_string(fewer));
          }
          c.check_eq(table.v1(last).frame, 77u, "the last entry");
        },
}};

const Case kFrameNumbersPv{{
    .slug = "grant.setup_table.frame_list.pv_machine_frames",
    .rule = "A PV guest is told machine frames, the same ones each time, different for each frame of the table.",
    .source = "public/grant_table.h, GNTTABOP_setup_table",
    .requirements = {"GNT-SETUP-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const auto first = ops.setup_table(2);
          const auto second = ops.setup_table(3);
          c.check_ne(first.frames[0], first.frames[1], "two frames");
          c.check_eq(second.frames[0], first.frames[0], "frame 0, asked for again");
          c.check_eq(second.frames[1], first.frames[1], "frame 1, asked for again");
          // Two mappings of one frame: what is written by one shows in the other.
          const GrantTable once(c, c.vcpu(), 2);
          GrantTable again(c, c.vcpu(), 2);
          again.put(GrantRef{kRefsPerFrameV1}, entry_v1(GTF_readonly, kDomAbsent, 5));
          c.check_eq(once.v1(GrantRef{kRefsPerFrameV1}).frame, 5u, "the entry by the other mapping");
        },
}};

const Case kFrameNumbersHvm{{
    .slug = "grant.setup_table.frame_list.hvm_guest_frames",
    .rule = "An HVM guest is told at which guest frame a frame of its table is mapped, and all ones while it is not.",
    .source = "public/grant_table.h, GNTTABOP_setup_table",
    .requirements = {"GNT-SETUP-005"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const auto before = ops.setup_table(2);
          c.check_eq(before.status, GNTST_okay, "status");
          c.check_eq(before.frames[0], ~uint64_t{0}, "frame 0, not mapped");
          c.check_eq(before.frames[1], ~uint64_t{0}, "frame 1, not mapped");
          const GrantTable table(c, c.vcpu(), 1);
          const auto after = ops.setup_table(2);
          c.check_eq(after.frames[0], c.guest().pfn_of(table.frame(0)).raw(), "frame 0, mapped");
          c.check_eq(after.frames[1], ~uint64_t{0}, "frame 1, still not mapped");
        },
}};

const Case kForeign{{
    .slug = "grant.setup_table.foreign_domain.status",
    .rule = "An absent domain gives bad_domain, a foreign one without privilege permission_denied; the result is 0.",
    .source = "public/grant_table.h, GNTTABOP_setup_table",
    .requirements = {"GNT-SETUP-006"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          for (const DomId dom : {kDomAbsent, kDomInvalid, kDomXen, kDomIo}) {
            const auto got = ops.setup_table(1, dom);
            c.check_eq(got.result, 0, "domain " + std::to_string(dom.raw()) + ": result");
            c.check_eq(got.status, GNTST_bad_domain, "domain " + std::to_string(dom.raw()) + ": status");
          }
          for (const DomId dom : {c.peer().id(), DomId{0}}) {
            const auto got = ops.setup_table(2, dom);
            c.check_eq(got.result, 0, "a foreign domain: result");
            c.check_eq(got.status, GNTST_permission_denied, "a foreign domain: status");
            c.check_eq(got.frames[0], kUntouched64, "frame list");
          }
          GrantOps theirs(c.peer().vcpu(0));
          c.check_eq(frames_now(theirs), 1u, "frames of the peer");
        },
}};

const Case kOwnNumber{{
    .slug = "grant.setup_table.own_number.as_self",
    .rule = "A guest may name itself by its number instead of DOMID_SELF.",
    .source = "public/grant_table.h, GNTTABOP_setup_table",
    .requirements = {"GNT-SETUP-006"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const auto by_number = ops.setup_table(2, c.guest().id());
          c.check_eq(by_number.status, GNTST_okay, "status");
          c.check_eq(by_number.frames[0], ops.setup_table(1).frames[0], "frame 0");
          c.check_eq(frames_now(ops), 2u, "frames afterwards");
        },
}};

const Case kPrivileged{{
    .slug = "grant.setup_table.foreign_domain_privileged.grows",
    .rule = "A privileged domain may set up the table of another: it is that one that grows.",
    .source = "public/grant_table.h, GNTTABOP_setup_table",
    .requirements = {"GNT-SETUP-006", "GNT-QSIZE-003"},
    .body =
        [](CaseContext& c) {
          GrantOps control(c.dom0().vcpu(0));
          GrantOps ops(c.vcpu());
          const auto dom0_before = control.query_size();
          const auto got = control.setup_table(3, c.guest().id());
          c.check_eq(got.result, 0, "result");
          c.check_eq(got.status, GNTST_okay, "status");
          const auto seen = control.query_size(c.guest().id());
          c.check_eq(seen.arg.status, GNTST_okay, "query of the guest by dom0: status");
          c.check_eq(seen.arg.nr_frames, 3u, "frames of the guest, seen by dom0");
          c.check_eq(frames_now(ops), 3u, "frames of the guest, seen by itself");
          const auto own = ops.setup_table(3);
          for (size_t i = 0; i < 3; ++i) c.check_eq(got.frames[i], own.frames[i], "frame " + std::to_string(i));
          c.check_eq(control.query_size().arg.nr_frames, dom0_before.arg.nr_frames, "frames of dom0");
        },
}};

const Case kBadList{{
    .slug = "grant.setup_table.bad_frame_list.refused",
    .rule = "A frame list that cannot be written gives status bad_virt_addr; one that is no guest range at all EFAULT.",
    .source = "public/grant_table.h, GNTST_bad_virt_addr",
    .requirements = {"GNT-SETUP-007"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          Scratch memory(c.vcpu());
          gnttab_setup_table_t argument{};
          argument.dom = DOMID_SELF;
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            const bool beyond = beyond_guest_space(c.guest_type(), bad.va);
            const uint32_t before = frames_now(ops);
            argument.nr_frames = before + 1;
            argument.status = kUntouchedStatus;
            set_handle(argument.frame_list, bad.va);
            const Gva at = memory.put(argument);
            const int64_t result = ops.raw(GNTTABOP_setup_table, at);
            c.check_eq(result, beyond ? -XEN_EFAULT : 0, std::string(bad.what) + ": result");
            c.check_eq(memory.get<gnttab_setup_table_t>().status, beyond ? kUntouchedStatus : GNTST_bad_virt_addr,
                       std::string(bad.what) + ": status");
            if (beyond) c.check_eq(frames_now(ops), before, std::string(bad.what) + ": frames afterwards");
          }
        },
}};

const Case kZeroed{{
    .slug = "grant.setup_table.new_frames.zero",
    .rule = "Frames that are added to the table read as zero.",
    .source = "public/grant_table.h, GTF_invalid",
    .method = "A first domain fills its table and is destroyed; tables set up afterwards show nothing of it.",
    .requirements = {"GNT-SETUP-008"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kFrames = 6;
          const GrantTable dirty(c, c.peer().vcpu(0), kFrames);
          for (uint32_t i = 0; i < kFrames; ++i) {
            c.require(!c.peer().vcpu(0).fill(dirty.frame(i), kPageSize, 0xd7), "filling the peer's table");
          }
          c.target().destroy_guest(c.peer());
          const GrantTable table(c, c.vcpu(), kFrames);
          for (uint32_t i = 0; i < kFrames; ++i) {
            std::vector<uint64_t> words(kPageSize / sizeof(uint64_t), 1);
            c.require(!c.vcpu().read_bytes(table.frame(i), std::as_writable_bytes(std::span(words))), "reading");
            c.check(words == std::vector<uint64_t>(words.size(), 0), "frame " + std::to_string(i) + " is zero");
          }
        },
}};

}  // namespace
}  // namespace assay
