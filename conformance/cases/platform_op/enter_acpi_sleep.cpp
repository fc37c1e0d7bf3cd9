/// Suspending the machine: who may, and what is refused.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen_services.hpp"

namespace assay {
namespace {

constexpr uint32_t kSuspendToMemory = 3;
constexpr uint32_t kUnknownCommand = 9999;

/// platform_op as one vCPU issues it.
class PlatformOps {
 public:
  explicit PlatformOps(Vcpu& vcpu) : argument_(vcpu) {}

  int64_t call(uint32_t command, uint32_t version = XENPF_INTERFACE_VERSION) {
    xen_platform_op_t request = {};
    request.cmd = command;
    request.interface_version = version;
    return raw(argument_.put(request));
  }
  int64_t sleep(uint32_t state, uint32_t flags = 0) {
    xen_platform_op_t request = {};
    request.cmd = XENPF_enter_acpi_sleep;
    request.interface_version = XENPF_INTERFACE_VERSION;
    request.u.enter_acpi_sleep.sleep_state = state;
    request.u.enter_acpi_sleep.flags = flags;
    return raw(argument_.put(request));
  }
  int64_t raw(Gva argument) { return argument_.vcpu().hypercall(__HYPERVISOR_platform_op, {argument.raw()}); }

 private:
  Scratch argument_;
};

const Case kCaller{{
    .slug = "platform_op.caller.efault_eacces_eperm",
    .rule =
        "An argument that cannot be read gives EFAULT, another interface version EACCES, and then a caller that is not "
        "privileged EPERM, whatever the command.",
    .source = "public/platform.h, XENPF_INTERFACE_VERSION",
    .requirements = {"PLAT-001"},
    .body =
        [](CaseContext& c) {
          PlatformOps ops(c.vcpu());
          c.check_eq(ops.raw(bad_pointer(c.guest_type())), -XEN_EFAULT, "an argument that cannot be read");
          c.check_eq(ops.call(kUnknownCommand, XENPF_INTERFACE_VERSION + 1), -XEN_EACCES, "another version");
          c.check_eq(ops.call(kUnknownCommand), -XEN_EPERM, "an unknown command");
          c.check_eq(ops.sleep(kSuspendToMemory), -XEN_EPERM, "suspending the machine");
        },
}};

const Case kStates{{
    .slug = "platform_op.enter_acpi_sleep.no_such_state.einval",
    .rule = "There are the states S1 to S5, and one flag; others give EINVAL. An unknown command gives ENOSYS.",
    .source = "public/platform.h, XENPF_enter_acpi_sleep",
    .requirements = {"PLAT-001", "PLAT-002"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          PlatformOps ops(c.dom0().vcpu(0));
          c.check_eq(ops.call(kUnknownCommand), -XEN_ENOSYS, "an unknown command");
          c.check_eq(ops.call(kUnknownCommand, XENPF_INTERFACE_VERSION + 1), -XEN_EACCES, "another version");
          c.check_eq(ops.raw(bad_pointer(GuestType::kPv64)), -XEN_EFAULT, "an argument that cannot be read");
          const uint64_t before_ns = c.dom0().vcpu(0).time_ns();
          c.check_eq(ops.sleep(0), -XEN_EINVAL, "S0");
          c.check_eq(ops.sleep(6), -XEN_EINVAL, "S6");
          constexpr uint32_t kUnknownFlag = 2;
          c.check_eq(ops.sleep(kSuspendToMemory, kUnknownFlag), -XEN_EINVAL, "an unknown flag");
          c.check(c.dom0().vcpu(0).time_ns() >= before_ns, "dom0's clock does not go back");
        },
}};

}  // namespace
}  // namespace assay
