/// HVM_PARAM_CALLBACK_IRQ: by which route events reach an HVM guest.
#include "conformance/case.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/hvm_ops.hpp"
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
