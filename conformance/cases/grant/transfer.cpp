/// GNTTABOP_transfer: a PV guest gives a page away to a domain that accepts it.
#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_pair.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/pv_mapping.hpp"

namespace assay {
namespace {

constexpr GrantRef kRef = GrantPair::kRef;
constexpr uint64_t kWord = 0x7472'616e'7366'6572;
/// Where the receiver says the page shall be, in its entry.
constexpr uint32_t kSlot = 77;

/// guest() sends, peer() receives. The receiver has given back a page, so that it may take one.
struct Transfer {
  explicit Transfer(CaseContext& context, uint32_t version = 1, bool with_room = true)
      : c(context),
        sender(c.vcpu()),
        receiver(c.peer().vcpu(0)),
        ops(sender),
        table(c, receiver),
        sent(memory(sender)),
        received(memory(receiver)) {
    if (version != 1) table.switch_to(version);
    if (with_room) grant_window_of_receiver();
    accept();
  }
  static MemoryOps memory(Vcpu& vcpu) { return MemoryOps(vcpu); }

  /// A page of the sender's with kWord in it, mapped nowhere.
  Gfn page() {
    const Gva va = c.guest().alloc_pages(1);
    sender.write(va, kWord);
    const Gfn frame = c.guest().gfn_of(va);
    c.require_eq(update_mapping(sender, va, 0), 0, "unmapping the page that is sent");
    return frame;
  }
  void accept(DomId from) {
    if (table.version() == 1) {
      table.put(kRef, entry_v1(GTF_accept_transfer, from, kSlot));
    } else {
      table.put(kRef, full_page_v2(GTF_accept_transfer, from, kSlot));
    }
  }
  void accept() { accept(c.guest().id()); }
  [[nodiscard]] DomId to() const { return table.dom(); }
  void grant_window_of_receiver() {
    const Gva va = c.peer().alloc_pages(1);
    const Gfn frame = c.peer().gfn_of(va);
    c.require_eq(update_mapping(receiver, va, 0), 0, "unmapping a page of the receiver's");
    c.require_eq(received.decrease_reservation({.extents = {frame.raw()}}).done, 1, "making room at the receiver");
  }
  /// Whether the sender still owns a frame: an owner can map it.
  bool sender_owns(Gfn frame) {
    const Gva va = c.guest().alloc_pages(1);
    return update_mapping(sender, va, frame.raw() << kPageShift | kMapped) == 0;
  }

  CaseContext& c;
  Vcpu& sender;
  Vcpu& receiver;
  GrantOps ops;
  GrantTable table;
  MemoryOps sent;
  MemoryOps received;
};

void check_success(CaseContext& c, uint32_t version) {
  Transfer transfer(c, version);
  const Gfn frame = transfer.page();
  const int64_t ours = transfer.sent.current_reservation();
  const int64_t theirs = transfer.received.current_reservation();
  check_status(c, transfer.ops.transfer(frame.raw(), transfer.to(), kRef), GNTST_okay, "the transfer");
  c.check_eq(transfer.sent.current_reservation(), ours - 1, "reservation of the sender");
  c.check_eq(transfer.received.current_reservation(), theirs + 1, "reservation of the receiver");
  c.check_eq(transfer.table.flags(kRef), GTF_accept_transfer | GTF_transfer_committed | GTF_transfer_completed,
             "flags of the receiver's entry");
  const uint64_t got = version == 1 ? transfer.table.v1(kRef).frame : transfer.table.v2(kRef).full_page.frame;
  c.check_eq(got, frame.raw(), "frame in the receiver's entry");
  c.check(!transfer.sender_owns(frame), "the sender cannot map the page any more");
  const Gva va = c.peer().alloc_pages(1);
  c.require_eq(update_mapping(transfer.receiver, va, got << kPageShift | kMapped), 0, "the receiver maps the page");
  c.check_eq(transfer.receiver.read<uint64_t>(va), kWord, "what is in it");
  check_status(c, transfer.ops.transfer(transfer.page().raw(), transfer.to(), kRef), GNTST_general_error,
               "a second transfer to the same entry");
}

const Case kSuccess{{
    .slug = "grant.transfer.success.page_changes_owner",
    .rule = "The page moves to the receiver, whose entry says committed, completed and which frame it is.",
    .source = "public/grant_table.h, GTF_transfer_committed, GTF_transfer_completed",
    .requirements = {"GNT-XFER-003", "GNT-XFER-001", "GNT-XFER-004"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body = [](CaseContext& c) { check_success(c, 1); },
}};

const Case kSuccessV2{{
    .slug = "grant.transfer.success_v2.page_changes_owner",
    .rule = "A version 2 entry accepts a page as well: its flags word and 64-bit frame tell.",
    .source = "public/grant_table.h, grant_entry_v2 full_page",
    .requirements = {"GNT-XFER-003"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body = [](CaseContext& c) { check_success(c, 2); },
}};

const Case kBadPage{{
    .slug = "grant.transfer.page_not_transferable.bad_page",
    .rule = "A frame that is none, another's, or in use elsewhere gives bad_page: it stays with its owner.",
    .source = "public/grant_table.h, GNTTABOP_transfer: no longer belongs unless the error is GNTST_bad_page",
    .requirements = {"GNT-XFER-002"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          Transfer transfer(c);
          const Gva mapped = c.guest().alloc_pages(1);
          transfer.sender.write(mapped, kWord);
          const Gfn in_use = c.guest().gfn_of(mapped);
          const Gfn foreign = c.peer().gfn_of(c.peer().alloc_pages(1));
          const int64_t ours = transfer.sent.current_reservation();
          for (const uint64_t frame : {in_use.raw(), foreign.raw(), uint64_t{0xfffffff}, uint64_t{1} << 50}) {
            check_status(c, transfer.ops.transfer(frame, transfer.to(), kRef), GNTST_bad_page, "frame " + show(frame));
          }
          c.check_eq(transfer.sent.current_reservation(), ours, "reservation of the sender");
          c.check_eq(transfer.sender.read<uint64_t>(mapped), kWord, "the page that is mapped");
          c.check_eq(transfer.table.flags(kRef), GTF_accept_transfer, "flags of the receiver's entry");
        },
}};

const Case kNotAccepted{{
    .slug = "grant.transfer.not_accepted.general_error",
    .rule =
        "The receiver's entry must be an untouched GTF_accept_transfer for the sender; else the page is lost to it.",
    .source = "public/grant_table.h, GNTTABOP_transfer",
    .requirements = {"GNT-XFER-004", "GNT-XFER-006"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          Transfer transfer(c);
          const DomId us = c.guest().id();
          const grant_entry_v1_t entries[] = {
              entry_v1(GTF_invalid, us, kSlot),
              entry_v1(GTF_permit_access, us, kSlot),
              entry_v1(GTF_accept_transfer, kDomAbsent, kSlot),
              entry_v1(GTF_accept_transfer | GTF_transfer_committed, us, kSlot),
          };
          for (const auto& entry : entries) {
            transfer.table.put(kRef, entry);
            const Gfn frame = transfer.page();
            const int64_t ours = transfer.sent.current_reservation();
            const int64_t theirs = transfer.received.current_reservation();
            const std::string what = "flags " + std::to_string(entry.flags) + " for " + std::to_string(entry.domid);
            check_status(c, transfer.ops.transfer(frame.raw(), transfer.to(), kRef), GNTST_general_error, what);
            c.check_eq(transfer.table.flags(kRef), entry.flags, what + ": flags of the entry");
            c.check_eq(transfer.sent.current_reservation(), ours - 1, what + ": reservation of the sender");
            c.check_eq(transfer.received.current_reservation(), theirs, what + ": reservation of the receiver");
          }
          check_status(c, transfer.ops.transfer(transfer.page().raw(), transfer.to(), GrantRef{kRefsPerFrameV1}),
                       GNTST_general_error, "a reference beyond the table");
        },
}};

const Case kNoRoom{{
    .slug = "grant.transfer.receiver_full.general_error",
    .rule =
        "A receiver that has all the memory it may have gets none: general_error, and the page is lost to the sender.",
    .source = "public/grant_table.h, GNTTABOP_transfer",
    .requirements = {"GNT-XFER-005", "GNT-XFER-006"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          Transfer transfer(c, 1, false);
          const int64_t maximum = transfer.received.maximum_reservation();
          c.require_eq(transfer.received.current_reservation(), maximum, "the receiver has all it may have");
          const Gfn frame = transfer.page();
          const int64_t ours = transfer.sent.current_reservation();
          check_status(c, transfer.ops.transfer(frame.raw(), transfer.to(), kRef), GNTST_general_error, "the transfer");
          c.check_eq(transfer.received.current_reservation(), maximum, "reservation of the receiver");
          c.check_eq(transfer.sent.current_reservation(), ours - 1, "reservation of the sender");
          c.check_eq(transfer.table.flags(kRef), GTF_accept_transfer, "flags of the receiver's entry");
        },
}};

const Case kAbsent{{
    .slug = "grant.transfer.absent_domain.bad_domain",
    .rule = "A receiver that does not exist gives bad_domain, and the page is lost to the sender all the same.",
    .source = "public/grant_table.h, GNTTABOP_transfer: the page no longer belongs to the calling domain",
    .requirements = {"GNT-XFER-007", "GNT-XFER-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          MemoryOps memory(c.vcpu());
          for (const DomId dom : {kDomAbsent, kDomSelf}) {
            const Gva va = c.guest().alloc_pages(1);
            const Gfn frame = c.guest().gfn_of(va);
            c.require_eq(update_mapping(c.vcpu(), va, 0), 0, "unmapping the page");
            const int64_t before = memory.current_reservation();
            check_status(c, ops.transfer(frame.raw(), dom, kRef), GNTST_bad_domain, "domain " + show(dom));
            c.check_eq(memory.current_reservation(), before - 1, "reservation of the sender");
            c.check_ne(update_mapping(c.vcpu(), va, frame.raw() << kPageShift | kMapped), 0, "mapping the page again");
          }
        },
}};

const Case kBatch{{
    .slug = "grant.transfer.mixed_batch.status_each",
    .rule = "In a batch each transfer has its own status; those behind a failed one still run.",
    .source = "public/grant_table.h, GNTTABOP_transfer",
    .requirements = {"GNT-OP-005", "GNT-XFER-003"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          Transfer transfer(c);
          const uint64_t frame = transfer.page().raw();
          const domid_t to = transfer.to().raw();
          auto batch = GrantOps::batch<gnttab_transfer_t>(3);
          for (gnttab_transfer_t& transfer_one : batch) {
            transfer_one.mfn = frame;
            transfer_one.domid = to;
            transfer_one.ref = kRef.raw();
            transfer_one.status = kUntouchedStatus;
          }
          batch[0].mfn = 0xfffffff;
          c.check_eq(transfer.ops.array(GNTTABOP_transfer, batch), 0, "result");
          c.check_eq(batch[0].status, GNTST_bad_page, "a frame that is none");
          c.check_eq(batch[1].status, GNTST_okay, "a sound one");
          c.check_eq(batch[2].status, GNTST_bad_page, "the same frame, which is another's now");
          c.check_eq(transfer.table.v1(kRef).frame, frame, "frame in the receiver's entry");
        },
}};

}  // namespace
}  // namespace assay
