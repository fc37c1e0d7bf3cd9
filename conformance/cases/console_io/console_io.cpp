/// console_io: who may write and read, and what is checked.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/console_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

const Case kUnprivileged{{
    .slug = "console_io.unprivileged.any_command.eperm",
    .rule = "A domain without console permission gets EPERM, whatever the command, before anything else is looked at.",
    .source = "public/xen.h, CONSOLEIO_*",
    .requirements = {"CON-001"},
    .body =
        [](CaseContext& c) {
          ConsoleOps console(c.vcpu());
          const Gva bad = bad_pointer(c.guest_type());
          c.check_eq(console.write("must not appear\n"), -XEN_EPERM, "write");
          c.check_eq(console.read(16).result, -XEN_EPERM, "read");
          c.check_eq(console.raw(CONSOLEIO_write, 16, bad), -XEN_EPERM, "write with a bad pointer");
          c.check_eq(console.raw(99, 16, bad), -XEN_EPERM, "unknown command");
        },
}};

const Case kWriteAppears{{
    .slug = "console_io.dom0.write.appears",
    .rule = "With permission a write returns 0 and all of its bytes reach the console.",
    .source = "public/xen.h, CONSOLEIO_write",
    .requirements = {"CON-002"},
    .guests = GuestTypes::kDom0,
    .needs = {Capability::kConsoleText},
    .body =
        [](CaseContext& c) {
          ConsoleOps console(c.dom0().vcpu(0));
          const std::string line = "console_io case, seed " + std::to_string(c.seed());
          c.check_eq(console.write(line + "\n"), 0, "write");
          c.target().pass_time(10'000'000);
          c.check(c.target().console().find(line) != std::string::npos, "the line appears on the console");
        },
}};

const Case kWriteNothing{{
    .slug = "console_io.dom0.write_nothing.zero",
    .rule = "A write of no bytes returns 0 and does not look at its buffer.",
    .source = "public/xen.h, CONSOLEIO_write",
    .requirements = {"CON-002"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          ConsoleOps console(c.dom0().vcpu(0));
          c.check_eq(console.raw(CONSOLEIO_write, 0, bad_pointer(GuestType::kPv64)), 0, "nothing from a bad pointer");
        },
}};

const Case kBadBuffer{{
    .slug = "console_io.dom0.write.bad_buffer.efault",
    .rule = "A buffer that cannot be read gives EFAULT.",
    .source = "public/xen.h, CONSOLEIO_write",
    .requirements = {"CON-004"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          ConsoleOps console(c.dom0().vcpu(0));
          for (const BadPointer& bad : bad_pointers(GuestType::kPv64)) {
            c.check_eq(console.raw(CONSOLEIO_write, 16, bad.va), -XEN_EFAULT, bad.what);
          }
        },
}};

const Case kUnknownCommand{{
    .slug = "console_io.dom0.unknown_command.enosys",
    .rule = "An unknown command gives ENOSYS.",
    .source = "public/xen.h, CONSOLEIO_*",
    .requirements = {"CON-004"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          ConsoleOps console(c.dom0().vcpu(0));
          c.check_eq(console.raw(2, 16, bad_pointer(GuestType::kPv64)), -XEN_ENOSYS, "command 2");
          c.check_eq(console.raw(0x7fffffff, 0, Gva{0}), -XEN_ENOSYS, "command 0x7fffffff");
        },
}};

const Case kReadNeverBlocks{{
    .slug = "console_io.dom0.read.returns_at_once",
    .rule = "A read returns the count of bytes that were waiting, possibly 0, and never waits for more.",
    .source = "public/xen.h, CONSOLEIO_read",
    .requirements = {"CON-003"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          ConsoleOps console(c.dom0().vcpu(0));
          while (console.read(256).result > 0) {
          }
          c.check_eq(console.read(256).result, 0, "read with nothing typed");
        },
}};

const Case kReadTooMuch{{
    .slug = "console_io.dom0.read_over_int_max.e2big",
    .rule = "A read of more than INT_MAX bytes gives E2BIG.",
    .source = "public/xen.h, CONSOLEIO_read",
    .requirements = {"CON-003"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          ConsoleOps console(c.dom0().vcpu(0));
          Scratch buffer(c.dom0().vcpu(0));
          c.check_eq(console.raw(CONSOLEIO_read, 0x80000000u, buffer.va()), -XEN_E2BIG, "INT_MAX + 1");
          c.check_eq(console.raw(CONSOLEIO_read, 0xffffffffu, buffer.va()), -XEN_E2BIG, "UINT_MAX");
        },
}};

}  // namespace
}  // namespace assay
