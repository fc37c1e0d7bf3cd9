/// Hypercall 17: what the hypervisor is and offers. Source: public/version.h, public/features.h.
#include <algorithm>
#include <cstring>

#include "hv/abi/identity.hpp"
#include "hv/base/fault.hpp"
#include "hv/boot_options.hpp"
#include "hv/hypercall/call.hpp"

namespace hv {

namespace {

/// Writes text into a field of fixed size, padded with NUL to its end.
template <size_t bytes>
void put_text(char (&field)[bytes], std::string_view text) {
  // Some byte that was on the stack.
  std::memset(field, fault("version.stale_bytes_behind_text") ? 0x5a : 0, bytes);
  field[std::min(text.size(), bytes - 1)] = 0;
  std::memcpy(field, text.data(), std::min(text.size(), bytes - 1));
}

int64_t answer_text(Call& call, char* text, size_t bytes) {
  return copy_to_guest(call.space(), call.pointer(1), text, bytes) ? 0 : -XEN_EFAULT;
}

int64_t extraversion(Call& call) {
  xen_extraversion_t text;
  put_text(text, kExtraVersion);
  return answer_text(call, text, sizeof text);
}

int64_t compile_info(Call& call) {
  xen_compile_info_t info;
  put_text(info.compiler, kCompiler);
  put_text(info.compile_by, kCompileBy);
  put_text(info.compile_domain, kCompileDomain);
  put_text(info.compile_date, kCompileDate);
  return write_guest(call.space(), call.pointer(1), info) ? 0 : -XEN_EFAULT;
}

int64_t capabilities(Call& call) {
  xen_capabilities_info_t text;
  put_text(text, kCapabilities);
  return answer_text(call, text, sizeof text);
}

int64_t changeset(Call& call) {
  xen_changeset_info_t text;
  put_text(text, kChangeset);
  return answer_text(call, text, sizeof text);
}

int64_t platform_parameters(Call& call) {
  const xen_platform_parameters_t parameters{.virt_start = HYPERVISOR_VIRT_START};
  return write_guest(call.space(), call.pointer(1), parameters) ? 0 : -XEN_EFAULT;
}

uint32_t features_of(const Domain& domain) {
  const auto bit = [](unsigned feature) { return 1u << feature; };
  uint32_t features = bit(XENFEAT_memory_op_vnode_supported);
  if ((domain.memory.vm_assist >> VMASST_TYPE_pae_extended_cr3 & 1) != 0) {
    features |= bit(XENFEAT_pae_pgdir_above_4gb);
  }
  if (domain.privileged) features |= bit(XENFEAT_dom0);
  if (domain.kind == GuestKind::kPv64) {
    return features | bit(XENFEAT_mmu_pt_update_preserve_ad) | bit(XENFEAT_highmem_assist) |
           bit(XENFEAT_gnttab_map_avail_bits) | bit(XENFEAT_direct_mapped);
  }
  features |= bit(XENFEAT_writable_page_tables) | bit(XENFEAT_auto_translated_physmap) | bit(XENFEAT_hvm_safe_pvclock) |
              bit(XENFEAT_hvm_callback_vector) | bit(XENFEAT_not_direct_mapped);
  if ((domain.emulation_flags & XEN_X86_EMU_USE_PIRQ) != 0) features |= bit(XENFEAT_hvm_pirqs);
  return features;
}

int64_t get_features(Call& call) {
  xen_feature_info_t info;
  if (!read_guest(call.space(), info, call.pointer(1))) return -XEN_EFAULT;
  if (info.submap_idx != 0) return -XEN_EINVAL;
  info.submap = features_of(call.domain());
  return write_guest(call.space(), call.pointer(1), info) ? 0 : -XEN_EFAULT;
}

int64_t guest_handle(Call& call) {
  const auto& handle = call.domain().handle;
  return copy_to_guest(call.space(), call.pointer(1), handle.data(), handle.size()) ? 0 : -XEN_EFAULT;
}

int64_t commandline(Call& call) {
  xen_commandline_t text;
  put_text(text, call.domain().privileged || fault("version.command_line_for_anybody")
                     ? std::string_view{boot_command_line()}
                     : std::string_view{"<denied>"});
  return answer_text(call, text, sizeof text);
}

/// A null argument asks for the size. Errors, in order: EPERM; EFAULT; EINVAL no room at all; ENOBUFS.
int64_t build_id(Call& call) {
  if (!call.domain().privileged) return -XEN_EPERM;
  const Gva to = call.pointer(1);
  if (to == Gva{}) return static_cast<int64_t>(kBuildId.size());
  xen_build_id_t head;
  if (!copy_from_guest(call.space(), &head, to, offsetof(xen_build_id_t, buf))) return -XEN_EFAULT;
  if (head.len == 0) return -XEN_EINVAL;
  if (head.len < kBuildId.size()) return -XEN_ENOBUFS;
  const Gva buffer{to.raw() + offsetof(xen_build_id_t, buf)};
  if (!copy_to_guest(call.space(), buffer, kBuildId.data(), kBuildId.size())) return -XEN_EFAULT;
  return static_cast<int64_t>(kBuildId.size());
}

}  // namespace

int64_t do_xen_version(Call& call) {
  switch (static_cast<uint32_t>(call.arg[0])) {
    case XENVER_version:
      return kVersionMajor << 16 | kVersionMinor;
    case XENVER_extraversion:
      return extraversion(call);
    case XENVER_compile_info:
      return compile_info(call);
    case XENVER_capabilities:
      return capabilities(call);
    case XENVER_changeset:
      return changeset(call);
    case XENVER_platform_parameters:
      return platform_parameters(call);
    case XENVER_get_features:
      return get_features(call);
    case XENVER_pagesize:
      return call.arg[1] != 0 ? -XEN_EINVAL : static_cast<int64_t>(kPageSize);
    case XENVER_guest_handle:
      return guest_handle(call);
    case XENVER_commandline:
      return commandline(call);
    case XENVER_build_id:
      return build_id(call);
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace hv
