/// HVM_PARAM_CALLBACK_IRQ: by which route events reach an HVM guest.
#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/hvm_context.hpp"
#include "conformance/guest/hvm_ops.hpp"
#include "conformance/guest/scratch.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

/// vCPU 0 with upcalls let through and an event to send itself.
class SelfSender {
 public:
  explicit SelfSender(CaseContext& c) : c_(c), channels_(c.vcpu()), port_(channels_.bind_ipi(0).port), info_(c.vcpu()) {
    c.vcpu().set_upcalls(true);
    count_ = c.vcpu().upcalls().count;
  }
  /// Sends and counts the upcalls that come of it.
  uint64_t send() {
    c_.require_eq(channels_.send(port_), 0, "send");
    return upcalls();
  }
  /// Upcalls since it was last asked.
  uint64_t upcalls() {
    const uint64_t now = c_.vcpu().upcalls().count;
    const uint64_t more = now - count_;
    count_ = now;
    return more;
  }
  /// The count that `upcalls` starts from.
  [[nodiscard]] uint64_t seen() const { return count_; }
  void settle() { info_.acknowledge(port_, 0); }
  [[nodiscard]] uint8_t upcall_pending() const { return info_.upcall_pending(0); }

 private:
  CaseContext& c_;
  EventChannels channels_;
  EvtchnPort port_;
  SharedInfo info_;
  uint64_t count_ = 0;
};

const Case kIgnored{{
    .slug = "hvm_op.callback_irq.no_vector.pvh_keeps_its_vector",
    .rule =
        "A PVH guest has no interrupt controller with lines: CALLBACK_IRQ 0, a line or an unknown type is taken and "
        "read back, and events go on to arrive by the vector set before.",
    .source = "public/hvm/params.h, HVM_PARAM_CALLBACK_IRQ",
    .requirements = {"HVMP-009", "HVMP-012"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          SelfSender sender(c);
          const uint64_t vector = c.guest().space().layout.pvh_vector;
          for (const uint64_t route :
               {uint64_t{0}, callback_route(HVM_PARAM_CALLBACK_TYPE_GSI, 9),
                callback_route(HVM_PARAM_CALLBACK_TYPE_PCI_INTX, 0x800), callback_route(4, vector ^ 1)}) {
            c.check_eq(ops.set_param(HVM_PARAM_CALLBACK_IRQ, route), 0, "set " + show(route));
            c.check_eq(ops.get_param(HVM_PARAM_CALLBACK_IRQ).arg.value, route, "value read back");
            c.check_eq(sender.send(), 1, "upcalls by the vector set before");
            sender.settle();
          }
        },
}};

/// The local APIC of vCPU 0 in x2APIC mode, enabled by software, and the vector of events set to come through it.
class OwnVector {
 public:
  explicit OwnVector(CaseContext& c) : c_(c), vector_(c.guest().space().layout.pvh_vector) {
    constexpr uint32_t kApicBase = 0x1b, kSpurious = 0x80f;
    constexpr uint64_t kExtended = 1u << 10, kSoftwareEnable = 0x1ff;
    Vcpu& vcpu = c.vcpu();
    c.require(!vcpu.wrmsr(kApicBase, vcpu.rdmsr(kApicBase).value | kExtended).has_value(), "x2APIC mode");
    c.require(!vcpu.wrmsr(kSpurious, kSoftwareEnable).has_value(), "enabling the local APIC");
  }
  int64_t set() {
    xen_hvm_evtchn_upcall_vector_t request{};
    request.vector = static_cast<uint8_t>(vector_);
    return HvmOps(c_.vcpu()).raw(HVMOP_set_evtchn_upcall_vector, Scratch(c_.vcpu()).put(request));
  }
  void end_of_interrupt() {
    constexpr uint32_t kEoi = 0x80b;
    c_.require(!c_.vcpu().wrmsr(kEoi, 0).has_value(), "end of interrupt");
  }

 private:
  CaseContext& c_;
  uint64_t vector_;
};

const Case kAssertedAtOnce{{
    .slug = "hvm_op.set_evtchn_upcall_vector.asserted_at_once",
    .rule =
        "Setting a vCPU's own upcall vector raises it once, whether an event is pending or not: one that came before "
        "is not lost.",
    .source = "public/hvm/hvm_op.h, HVMOP_set_evtchn_upcall_vector",
    .method = "No event is pending, so the agent counts the entry as spurious.",
    .requirements = {"EVTCHN-UP-007"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          OwnVector own(c);
          c.vcpu().set_upcalls(true);
          const UpcallRecord before = c.vcpu().upcalls();
          c.require_eq(own.set(), 0, "set_evtchn_upcall_vector");
          c.check_eq(c.vcpu().upcalls().spurious, before.spurious + 1, "entries without a pending event");
          c.check_eq(c.vcpu().upcalls().count, before.count, "upcalls");
          own.end_of_interrupt();
          EventChannels channels(c.vcpu());
          c.require_eq(channels.send(channels.bind_ipi(0).port), 0, "send");
          c.check(c.vcpu().wait_upcalls(before.count + 1, kLongNs), "an event then arrives");
          own.end_of_interrupt();
        },
}};

/// The record of vCPU 0's local APIC registers in a context.
HvmRecord& apic_registers(std::vector<HvmRecord>& records) {
  for (HvmRecord& record : records) {
    if (record.type == HVM_SAVE_CODE(LAPIC_REGS) && record.instance == 0) return record;
  }
  throw HarnessFault("a context without local APIC registers");
}

const Case kRequestedVector{{
    .slug = "hvm_context.set.requested_vector.as_the_record_says",
    .rule =
        "A vector that a vCPU's local APIC was asked for and has not delivered is in its context; setting a context "
        "without it takes it away, setting one with it delivers it.",
    .source = "public/arch-x86/hvm/save.h, struct hvm_hw_lapic_regs",
    .method = "Setting the vector raises it while interrupts are held; no event is pending, so an entry is spurious.",
    .requirements = {"MIG-039"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kRequested = 0x200, kRegisterBytes = 0x10;
          const uint64_t vector = c.guest().space().layout.pvh_vector;
          const size_t at = kRequested + vector / 8 / sizeof(uint32_t) * kRegisterBytes + vector / 8 % sizeof(uint32_t);
          const std::byte bit{static_cast<uint8_t>(1u << (vector % 8))};
          OwnVector own(c);
          DomctlOps control(c.dom0().vcpu(0));
          HvmContextOps ops(c.dom0().vcpu(0), c.guest().id());
          c.vcpu().set_upcalls(false);
          const uint64_t before = c.vcpu().upcalls().spurious;
          c.require_eq(own.set(), 0, "set-up: set_evtchn_upcall_vector");
          c.require_eq(control.pause(c.guest().id()), 0, "set-up: pausing the guest");
          const std::vector<std::byte> whole = ops.save();
          std::vector<HvmRecord> records = parse_hvm_stream(whole);
          std::byte& requested = apic_registers(records).body.at(at);
          c.check((requested & bit) != std::byte{0}, "the vector is in the context");
          requested &= ~bit;
          c.check_eq(ops.set(make_hvm_stream(records)), 0, "a context without it");
          control.unpause(c.guest().id());
          c.vcpu().set_upcalls(true);
          c.check_eq(c.vcpu().upcalls().spurious, before, "entries without it");
          c.vcpu().set_upcalls(false);
          c.require_eq(control.pause(c.guest().id()), 0, "pausing the guest again");
          records = parse_hvm_stream(ops.save());
          apic_registers(records).body.at(at) |= bit;
          c.check_eq(ops.set(make_hvm_stream(records)), 0, "a context with it");
          control.unpause(c.guest().id());
          c.vcpu().set_upcalls(true);
          c.check_eq(c.vcpu().upcalls().spurious, before + 1, "entries with it");
          own.end_of_interrupt();
        },
}};

const Case kPendingDelivered{{
    .slug = "hvm_op.callback_irq.set_while_pending.new_route",
    .rule = "An event that is pending when the callback is set arrives by the new route, once.",
    .source = "public/hvm/params.h, HVM_PARAM_CALLBACK_IRQ",
    .method = "Interrupts are held while the event comes and the vector changes from another one to the agent's.",
    .requirements = {"HVMP-010"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          SelfSender sender(c);
          c.vcpu().set_upcalls(false);
          const uint64_t other = c.guest().space().layout.pvh_vector ^ 1;
          c.require_eq(ops.set_param(HVM_PARAM_CALLBACK_IRQ, callback_route(HVM_PARAM_CALLBACK_TYPE_VECTOR, other)), 0,
                       "a vector that the agent does not listen on");
          c.require_eq(sender.send(), 0, "upcalls while held");
          c.check_eq(ops.set_param(HVM_PARAM_CALLBACK_IRQ, agent_callback(c.guest())), 0, "the agent's vector");
          c.check_eq(sender.upcalls(), 0, "upcalls while held");
          c.check_eq(sender.upcall_pending(), 1, "upcall pending");
          c.vcpu().set_upcalls(true);
          c.check(c.vcpu().wait_upcalls(sender.seen() + 1, kLongNs), "it arrives when let through");
          c.check_eq(sender.upcalls(), 1, "upcalls");
          c.check_eq(sender.upcall_pending(), 0, "upcall pending");
          c.check_eq(ops.set_param(HVM_PARAM_CALLBACK_IRQ, agent_callback(c.guest())), 0,
                     "again, with nothing pending");
          c.check_eq(sender.upcalls(), 0, "upcalls");
        },
}};

}  // namespace
}  // namespace assay
