/// VCPUOP_initialise of a PV64 guest: what a context may say, and what becomes of it.
#include <algorithm>
#include <array>

#include "conformance/case.hpp"
#include "conformance/guest/boot_record.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/pv_mapping.hpp"
#include "conformance/guest/vcpu_contexts.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr uint64_t kWritableBit = 2;
constexpr uint64_t kNotCanonical = 0x0000'8000'0000'0000;

/// Refused with `error`, and the vCPU stays as it was.
void check_refused(CaseContext& c, const vcpu_guest_context_t& context, int64_t error, const std::string& what) {
  c.check_eq(initialise_vcpu(c.vcpu(), 1, context), error, what);
  c.check_eq(VcpuOps(c.vcpu()).up(1), -XEN_EINVAL, what + ": still not initialised");
}

const Case kNotCanonicalAddress{{
    .slug = "vcpu_op.initialise.pv.not_canonical.einval",
    .rule = "A context with an address that is not canonical gives EINVAL: rip, stacks, bases, callbacks and traps.",
    .source = "public/arch-x86/xen.h, struct vcpu_guest_context",
    .method = "One field at a time, the first and the last trap among them; the vCPU stays uninitialised.",
    .requirements = {"VCPU-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          struct Field {
            const char* name;
            void (*spoil)(vcpu_guest_context_t&);
          };
          constexpr std::array kFields{
              Field{"rip", [](vcpu_guest_context_t& v) { v.user_regs.rip = kNotCanonical; }},
              Field{"rsp", [](vcpu_guest_context_t& v) { v.user_regs.rsp = kNotCanonical; }},
              Field{"kernel_sp", [](vcpu_guest_context_t& v) { v.kernel_sp = kNotCanonical; }},
              Field{"fs_base", [](vcpu_guest_context_t& v) { v.fs_base = kNotCanonical; }},
              Field{"gs_base_kernel", [](vcpu_guest_context_t& v) { v.gs_base_kernel = kNotCanonical; }},
              Field{"gs_base_user", [](vcpu_guest_context_t& v) { v.gs_base_user = kNotCanonical; }},
              Field{"event callback", [](vcpu_guest_context_t& v) { v.event_callback_eip = kNotCanonical; }},
              Field{"failsafe callback", [](vcpu_guest_context_t& v) { v.failsafe_callback_eip = kNotCanonical; }},
              Field{"syscall callback", [](vcpu_guest_context_t& v) { v.syscall_callback_eip = kNotCanonical; }},
              Field{"first trap", [](vcpu_guest_context_t& v) { v.trap_ctxt[0].address = kNotCanonical; }},
              Field{"last trap", [](vcpu_guest_context_t& v) { v.trap_ctxt[255].address = kNotCanonical; }}};
          for (const Field& field : kFields) {
            vcpu_guest_context_t context = pv_context(c.guest(), 1);
            field.spoil(context);
            check_refused(c, context, -XEN_EINVAL, field.name);
          }
          c.check_eq(initialise_vcpu(c.vcpu(), 1, pv_context(c.guest(), 1)), 0, "a context without such a field");
        },
}};

const Case kDescriptorTables{{
    .slug = "vcpu_op.initialise.pv.descriptor_tables_out_of_range.einval",
    .rule = "A context with too many LDT or GDT entries, or an LDT that does not start a page, gives EINVAL.",
    .source = "public/arch-x86/xen.h, struct vcpu_guest_context, ldt_ents",
    .requirements = {"VCPU-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          const Gva table = c.guest().alloc_pages(1);
          vcpu_guest_context_t context = pv_context(c.guest(), 1);
          context.ldt_base = table.raw();
          context.ldt_ents = 8193;
          check_refused(c, context, -XEN_EINVAL, "one LDT entry too many");
          context.ldt_ents = 8;
          context.ldt_base = table.raw() + 8;
          check_refused(c, context, -XEN_EINVAL, "LDT inside a page");
          context = pv_context(c.guest(), 1);
          context.gdt_ents = 16 * 512 + 1;
          check_refused(c, context, -XEN_EINVAL, "GDT of 17 frames");
          context.gdt_ents = 1;
          context.gdt_frames[0] = ~uint64_t{0} >> 12;
          check_refused(c, context, -XEN_EINVAL, "GDT in a frame that does not exist");
          context = pv_context(c.guest(), 1);
          context.ldt_base = table.raw();
          context.ldt_ents = 8192;
          c.check_eq(initialise_vcpu(c.vcpu(), 1, context), 0, "the largest LDT");
        },
}};

const Case kUserWithoutTable{{
    .slug = "vcpu_op.initialise.pv.user_mode_without_page_table.einval",
    .rule = "A context that starts in user mode must name a user page table: EINVAL without.",
    .source = "public/arch-x86/xen.h, VGCF_in_kernel",
    .requirements = {"VCPU-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          vcpu_guest_context_t context = pv_context(c.guest(), 1);
          context.flags &= ~uint64_t{VGCF_in_kernel};
          check_refused(c, context, -XEN_EINVAL, "no user page table");
          context.ctrlreg[1] = context.ctrlreg[3];
          c.check_eq(initialise_vcpu(c.vcpu(), 1, context), 0, "with one");
        },
}};

const Case kBadRoot{{
    .slug = "vcpu_op.initialise.pv.bad_root.refused_and_released",
    .rule = "cr3 has to be a frame of the guest that validates as a root table; a refusal keeps hold of nothing.",
    .source = "public/arch-x86/xen.h, struct vcpu_guest_context, ctrlreg",
    .method = "Afterwards the frames that were named can be mapped writable: no type reference is left on them.",
    .requirements = {"VCPU-007"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          vcpu_guest_context_t context = pv_context(c.guest(), 1);
          const uint64_t good = context.ctrlreg[3];
          for (const uint64_t frame : {uint64_t{1} << 38, uint64_t{0}}) {
            context.ctrlreg[3] = xen_pfn_to_cr3(frame);
            c.check(initialise_vcpu(c.vcpu(), 1, context) < 0, "frame " + show(frame) + " is refused");
          }
          // A page that is in use as writable memory.
          const Gva page = c.guest().alloc_pages(1);
          const uint64_t frame = c.guest().gfn_of(page).raw();
          context.ctrlreg[3] = xen_pfn_to_cr3(frame);
          c.check(initialise_vcpu(c.vcpu(), 1, context) < 0, "a page that is mapped writable is refused");
          // The same, mapped nowhere, with an entry that no root may have; and a GDT that is taken before the root.
          c.vcpu().write(page, (uint64_t{1} << 38) << kPageShift | kMapped);
          c.require_eq(update_mapping(c.vcpu(), page, 0), 0, "set-up: unmapping");
          const Gva descriptors = c.guest().alloc_pages(1);
          const uint64_t gdt_frame = c.guest().gfn_of(descriptors).raw();
          c.require_eq(update_mapping(c.vcpu(), descriptors, 0), 0, "set-up: unmapping");
          context.gdt_ents = 8;
          context.gdt_frames[0] = gdt_frame;
          c.check(initialise_vcpu(c.vcpu(), 1, context) < 0, "a table with a bad entry is refused");
          c.check_eq(VcpuOps(c.vcpu()).up(1), -XEN_EINVAL, "the vCPU is not initialised");
          c.check_eq(update_mapping(c.vcpu(), page, frame << kPageShift | kMapped), 0, "the table is released");
          c.check_eq(update_mapping(c.vcpu(), descriptors, gdt_frame << kPageShift | kMapped), 0, "so is the GDT");
          context = pv_context(c.guest(), 1);
          context.ctrlreg[3] = good;
          c.check_eq(initialise_vcpu(c.vcpu(), 1, context), 0, "with a good root");
        },
}};

const Case kRootHeld{{
    .slug = "vcpu_op.initialise.pv.root_of_its_own.held",
    .rule = "The root table of an initialised vCPU cannot become writable memory: the vCPU holds it as a root.",
    .source = "public/arch-x86/xen.h, struct vcpu_guest_context, ctrlreg",
    .method = "A copy of the boot root, not pinned, is given to the second vCPU.",
    .requirements = {"VCPU-007"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          const Gva pt_base{c.vcpu().read<uint64_t>(c.guest().space().start_info + offsetof(start_info_t, pt_base))};
          const Gva page = c.guest().alloc_pages(1);
          const uint64_t frame = c.guest().gfn_of(page).raw();
          // The guest's own slots; the hypervisor's are its business.
          constexpr size_t kFirstXenSlot = 256, kAfterXenSlots = 272;
          auto table = c.vcpu().read<std::array<uint64_t, 512>>(pt_base);
          std::fill(table.begin() + kFirstXenSlot, table.begin() + kAfterXenSlots, 0);
          c.vcpu().write(page, table);
          c.require_eq(update_mapping(c.vcpu(), page, 0), 0, "set-up: unmapping");
          vcpu_guest_context_t context = pv_context(c.guest(), 1);
          context.ctrlreg[3] = xen_pfn_to_cr3(frame);
          c.require_eq(initialise_vcpu(c.vcpu(), 1, context), 0, "initialise");
          c.check(update_mapping(c.vcpu(), page, frame << kPageShift | kMapped) < 0, "mapping it writable is refused");
          c.check_eq(update_mapping(c.vcpu(), page, frame << kPageShift | (kMapped & ~kWritableBit)), 0, "read-only");
        },
}};

const Case kOnline{{
    .slug = "vcpu_op.initialise.pv.online_flag.up_at_once",
    .rule = "A vCPU is down after initialise, unless the context says VGCF_online: then it counts as up.",
    .source = "public/arch-x86/xen.h, VGCF_online",
    .method = "Whether it starts to run by itself is left open: its controller wakes the domain by a pause.",
    .requirements = {"VCPU-008"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .vcpus = 3,
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          c.require_eq(initialise_vcpu(c.vcpu(), 2, pv_context(c.guest(), 2)), 0, "without the flag");
          c.check_eq(ops.is_up(2), 0, "it is down");
          c.target().pass_time(kWatchNs);
          c.check_eq(ops.is_up(2), 0, "and stays down");
          vcpu_guest_context_t context = pv_context(c.guest(), 1);
          context.flags |= VGCF_online;
          c.require_eq(initialise_vcpu(c.vcpu(), 1, context), 0, "with the flag");
          c.check_eq(ops.is_up(1), 1, "it is up");
          DomctlOps control(c.dom0().vcpu(0));
          c.require_eq(control.pause(c.guest().id()), 0, "pausing the domain");
          c.require_eq(control.unpause(c.guest().id()), 0, "unpausing it");
          Vcpu& second = c.target().attach_vcpu(c.guest(), 1);
          c.check_eq(second.hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), 4096, "and runs");
        },
}};

const Case kRegisters{{
    .slug = "vcpu_op.initialise.registers.as_given",
    .rule = "A vCPU starts with the registers that its context gives.",
    .source = "public/vcpu.h, VCPUOP_initialise",
    .method = "The agent keeps what it finds at its first instruction.",
    .requirements = {"VCPU-012", "PVH-011"},
    .body =
        [](CaseContext& c) {
          if (c.pv()) {
            vcpu_guest_context_t context = pv_context(c.guest(), 1);
            context.user_regs.rbx = 0x1111'2222'3333'4444, context.user_regs.rcx = 2, context.user_regs.rbp = 3;
            context.user_regs.r8 = 8, context.user_regs.r15 = 0xffff'ffff'ffff'fff0;
            context.user_regs.rsi = 5, context.user_regs.rax = 6, context.user_regs.rdx = 7;
            c.require_eq(initialise_vcpu(c.vcpu(), 1, context), 0, "initialise");
          } else {
            vcpu_hvm_context_t context = hvm_context(c.guest(), 1);
            vcpu_hvm_x86_64& regs = context.cpu_regs.x86_64;
            regs.rbx = 0x1111'2222'3333'4444, regs.rcx = 2, regs.rbp = 3, regs.rsi = 5, regs.rax = 6, regs.rdx = 7;
            c.require_eq(initialise_vcpu(c.vcpu(), 1, context), 0, "initialise");
          }
          c.require_eq(VcpuOps(c.vcpu()).up(1), 0, "up");
          c.target().attach_vcpu(c.guest(), 1);
          const assay_boot_record record = boot_record(c.vcpu(), 1);
          const auto& layout = c.guest().space().layout;
          c.check_eq(record.rip, c.pv() ? layout.pv_secondary : layout.pvh_secondary, "rip");
          c.check_eq(record.rsp, layout.stacks + 2 * layout.stack_bytes, "rsp");
          c.check_eq(record.rdi, 1, "rdi");
          c.check_eq(record.rbx, 0x1111'2222'3333'4444, "rbx");
          c.check_eq(record.rcx, 2, "rcx");
          c.check_eq(record.rbp, 3, "rbp");
          c.check_eq(record.rsi, 5, "rsi");
          c.check_eq(record.rax, 6, "rax");
          c.check_eq(record.rdx, 7, "rdx");
          c.check_eq(record.r8, c.pv() ? 8 : 0, "r8");
          c.check_eq(record.r15, c.pv() ? 0xffff'ffff'ffff'fff0 : 0, "r15");
        },
}};

}  // namespace
}  // namespace assay
