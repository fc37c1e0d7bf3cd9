/// xen_version: what each query writes, how much of it, and to whom.
#include <algorithm>

#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/version_ops.hpp"

namespace assay {
namespace {

/// True when everything behind the first NUL is NUL.
template <size_t kBytes>
bool padded(const VersionText<kBytes>& text) {
  const size_t length = text.text().size();
  return std::all_of(text.bytes + length, text.bytes + kBytes, [](char byte) { return byte == '\0'; });
}

/// Asks into the middle of a page of kUntouchedByte and says how many bytes behind `bytes` changed.
uint64_t written_behind(CaseContext& c, uint64_t command, uint64_t bytes) {
  Vcpu& vcpu = c.vcpu();
  const Gva page = c.guest().alloc_pages(1);
  c.require(!vcpu.fill(page, kPageSize, kUntouchedByte), "preparing a page");
  c.check_eq(vcpu.hypercall(__HYPERVISOR_xen_version, {command, page.raw()}), 0, "query");
  std::array<uint8_t, kPageSize> after{};
  c.require(!vcpu.read_bytes(page, std::as_writable_bytes(std::span(after))), "reading it back");
  const auto changed = std::count_if(after.begin() + static_cast<std::ptrdiff_t>(bytes), after.end(),
                                     [](uint8_t byte) { return byte != kUntouchedByte; });
  return static_cast<uint64_t>(changed);
}

const Case kExtraVersion{{
    .slug = "xen_version.extraversion.sixteen_bytes",
    .rule = "XENVER_extraversion writes 16 bytes of NUL-padded text and nothing behind them.",
    .source = "public/version.h, xen_extraversion_t",
    .requirements = {"VER-002"},
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          const auto got = version.extraversion();
          c.check_eq(got.result, 0, "extraversion");
          c.check(got.arg.terminated(), "terminated");
          c.check(padded(got.arg), "padded with NUL");
          c.check_eq(written_behind(c, XENVER_extraversion, 16), 0u, "bytes changed behind the text");
        },
}};

const Case kCompileInfo{{
    .slug = "xen_version.compile_info.no_stale_bytes",
    .rule = "XENVER_compile_info writes a 144-byte record in which nothing is stale behind the strings.",
    .source = "public/version.h, struct xen_compile_info",
    .requirements = {"VER-003"},
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          const auto got = version.compile_info();
          c.check_eq(got.result, 0, "compile_info");
          const auto clean = [](const char* text, size_t bytes) {
            const char* end = std::find(text, text + bytes, '\0');
            return end != text + bytes && std::all_of(end, text + bytes, [](char byte) { return byte == '\0'; });
          };
          c.check(clean(got.arg.compiler, sizeof got.arg.compiler), "compiler: terminated, padded with NUL");
          c.check(clean(got.arg.compile_by, sizeof got.arg.compile_by), "compile_by: terminated, padded with NUL");
          c.check(clean(got.arg.compile_domain, sizeof got.arg.compile_domain), "compile_domain: likewise");
          c.check(clean(got.arg.compile_date, sizeof got.arg.compile_date), "compile_date: likewise");
          c.check_eq(written_behind(c, XENVER_compile_info, sizeof(xen_compile_info_t)), 0u, "bytes changed behind it");
        },
}};

const Case kCapabilities{{
    .slug = "xen_version.capabilities.text_of_1024_bytes",
    .rule = "XENVER_capabilities writes exactly 1024 bytes: the guest types on offer, NUL-padded.",
    .source = "public/version.h, xen_capabilities_info_t",
    .requirements = {"VER-004"},
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          const auto got = version.capabilities();
          c.check_eq(got.result, 0, "capabilities");
          c.check(padded(got.arg), "padded with NUL");
          c.check(got.arg.text().find(c.pv() ? "xen-3.0-x86_64" : "hvm-3.0-x86_64") != std::string_view::npos,
                  "names the type of this guest");
          c.check_eq(written_behind(c, XENVER_capabilities, 1024), 0u, "bytes changed behind the text");
        },
}};

const Case kChangeset{{
    .slug = "xen_version.changeset.sixty_four_bytes",
    .rule = "XENVER_changeset writes 64 bytes.",
    .source = "public/version.h, xen_changeset_info_t",
    .requirements = {"VER-005"},
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          const auto got = version.changeset();
          c.check_eq(got.result, 0, "changeset");
          c.check(got.arg.bytes[63] != static_cast<char>(kUntouchedByte), "the last byte was written");
          c.check_eq(written_behind(c, XENVER_changeset, 64), 0u, "bytes changed behind the text");
        },
}};

const Case kPlatformParameters{{
    .slug = "xen_version.platform_parameters.hypervisor_range",
    .rule = "XENVER_platform_parameters reports where the range reserved for the hypervisor starts.",
    .source = "public/version.h, struct xen_platform_parameters; public/arch-x86/xen-x86_64.h",
    .requirements = {"VER-006"},
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          const auto got = version.platform_parameters();
          c.check_eq(got.result, 0, "platform_parameters");
          c.check_eq(got.arg.virt_start, 0xffff'8000'0000'0000u, "start of the reserved range");
        },
}};

const Case kFeaturesSubmap{{
    .slug = "xen_version.get_features.unknown_submap.einval",
    .rule = "A submap other than 0 gives EINVAL; a pointer that cannot be read gives EFAULT first.",
    .source = "public/version.h, struct xen_feature_info",
    .requirements = {"VER-007"},
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          c.check_eq(version.features(0).result, 0, "submap 0");
          c.check_eq(version.features(1).result, -XEN_EINVAL, "submap 1");
          c.check_eq(version.features(0xffffffff).result, -XEN_EINVAL, "submap 0xffffffff");
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            c.check_eq(version.raw(XENVER_get_features, bad.va), -XEN_EFAULT, bad.what);
          }
        },
}};

const Case kFeaturesPv{{
    .slug = "xen_version.get_features.pv.bits",
    .rule = "A PV guest is offered page-table updates that keep A and D bits, and mapped grants with available bits.",
    .source = "public/features.h",
    .requirements = {"VER-008", "VER-010"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          const uint32_t bits = version.features(0).arg.submap;
          for (const int wanted : {XENFEAT_mmu_pt_update_preserve_ad, XENFEAT_highmem_assist,
                                   XENFEAT_gnttab_map_avail_bits, XENFEAT_memory_op_vnode_supported}) {
            c.check((bits >> wanted & 1) != 0, "feature " + std::to_string(wanted) + " is offered");
          }
          for (const int absent : {XENFEAT_writable_page_tables, XENFEAT_auto_translated_physmap, XENFEAT_dom0}) {
            c.check((bits >> absent & 1) == 0, "feature " + std::to_string(absent) + " is not");
          }
        },
}};

const Case kFeaturesHvm{{
    .slug = "xen_version.get_features.hvm.bits",
    .rule = "An HVM guest is translated, updates its own page tables, and may ask for a callback vector.",
    .source = "public/features.h",
    .requirements = {"VER-009", "VER-010"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          const uint32_t bits = version.features(0).arg.submap;
          for (const int wanted :
               {XENFEAT_writable_page_tables, XENFEAT_auto_translated_physmap, XENFEAT_hvm_safe_pvclock,
                XENFEAT_hvm_callback_vector, XENFEAT_memory_op_vnode_supported}) {
            c.check((bits >> wanted & 1) != 0, "feature " + std::to_string(wanted) + " is offered");
          }
          for (const int absent : {XENFEAT_mmu_pt_update_preserve_ad, XENFEAT_dom0, XENFEAT_hvm_pirqs}) {
            c.check((bits >> absent & 1) == 0, "feature " + std::to_string(absent) + " is not");
          }
        },
}};

const Case kFeaturesDom0{{
    .slug = "xen_version.get_features.dom0.bit",
    .rule = "The hardware domain, and only it, is told that it is dom0.",
    .source = "public/features.h, XENFEAT_dom0",
    .requirements = {"VER-010"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          VersionOps version(c.dom0().vcpu(0));
          c.check((version.features(0).arg.submap >> XENFEAT_dom0 & 1) != 0, "XENFEAT_dom0 for dom0");
        },
}};

const Case kPagesize{{
    .slug = "xen_version.pagesize.pointer_must_be_null",
    .rule = "XENVER_pagesize returns 4096, and EINVAL when its pointer is not null.",
    .source = "public/version.h, XENVER_pagesize",
    .requirements = {"VER-011"},
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          c.check_eq(version.pagesize(), 4096, "null pointer");
          c.check_eq(version.raw(XENVER_pagesize, Gva{1}), -XEN_EINVAL, "pointer 1");
          c.check_eq(version.raw(XENVER_pagesize, c.guest().shared_info()), -XEN_EINVAL, "a good pointer");
        },
}};

const Case kCommandlineDenied{{
    .slug = "xen_version.commandline.unprivileged.denied_text",
    .rule = "An unprivileged caller gets the text <denied> instead of the command line, with success.",
    .source = "public/version.h, XENVER_commandline",
    .requirements = {"VER-013"},
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          const auto got = version.commandline();
          c.check_eq(got.result, 0, "commandline");
          c.check_eq(got.arg.text(), "<denied>", "text");
        },
}};

const Case kCommandlineDom0{{
    .slug = "xen_version.commandline.dom0.real_text",
    .rule = "The privileged domain gets the hypervisor's command line.",
    .source = "public/version.h, XENVER_commandline",
    .requirements = {"VER-013"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          VersionOps version(c.dom0().vcpu(0));
          const auto got = version.commandline();
          c.check_eq(got.result, 0, "commandline");
          c.check(got.arg.terminated(), "terminated");
          c.check_ne(got.arg.text(), "<denied>", "text");
        },
}};

const Case kBuildIdDenied{{
    .slug = "xen_version.build_id.unprivileged.eperm",
    .rule = "XENVER_build_id gives EPERM to an unprivileged caller.",
    .source = "public/version.h, XENVER_build_id",
    .requirements = {"VER-014"},
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          Scratch memory(c.vcpu());
          c.check_eq(version.raw(XENVER_build_id, memory.va()), -XEN_EPERM, "with a buffer");
          c.check_eq(version.raw(XENVER_build_id, Gva{0}), -XEN_EPERM, "without one");
        },
}};

const Case kBuildId{{
    .slug = "xen_version.build_id.dom0.length_and_room",
    .rule = "dom0 gets the length of the build id, and the id itself into a buffer that is long enough.",
    .source = "public/version.h, XENVER_build_id",
    .requirements = {"VER-016"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          VersionOps version(c.dom0().vcpu(0));
          Scratch memory(c.dom0().vcpu(0));
          const int64_t bytes = version.raw(XENVER_build_id, Gva{0});
          c.require(bytes > 0 && bytes <= 64, "the length of the id");
          const auto ask = [&](int64_t room) {
            memory.put(static_cast<uint32_t>(room));
            return version.raw(XENVER_build_id, memory.va());
          };
          c.check_eq(ask(0), -XEN_EINVAL, "no room");
          c.check_eq(ask(bytes - 1), -XEN_ENOBUFS, "a byte too little");
          c.check_eq(memory.get<uint8_t>(sizeof(xen_build_id_t)), 0, "nothing was written");
          c.check_eq(ask(bytes), bytes, "enough room");
          c.check_eq(version.raw(XENVER_build_id, bad_pointer(GuestType::kPv64)), -XEN_EFAULT, "bad pointer");
        },
}};

const Case kUnknown{{
    .slug = "xen_version.unknown_command.enosys",
    .rule = "An unknown command gives ENOSYS.",
    .source = "public/version.h",
    .requirements = {"VER-015"},
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          for (const uint64_t command : {11u, 12u, 255u, 0x7fffffffu, 0xffffffffu}) {
            c.check_eq(version.raw(command, Gva{0}), -XEN_ENOSYS, "command " + std::to_string(command));
          }
        },
}};

}  // namespace
}  // namespace assay
