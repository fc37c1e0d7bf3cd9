/// xen_version as one vCPU issues it.
#pragma once

#include <cstring>
#include <string_view>

#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

/// A fixed-size text that the hypervisor fills in.
template <size_t kBytes>
struct VersionText {
  char bytes[kBytes];
  [[nodiscard]] std::string_view text() const {
    const std::string_view all(bytes, kBytes);
    return all.substr(0, all.find('\0'));
  }
  [[nodiscard]] bool terminated() const { return text().size() < kBytes; }
};
using ExtraVersion = VersionText<sizeof(xen_extraversion_t)>;
using Capabilities = VersionText<sizeof(xen_capabilities_info_t)>;
using ChangeSet = VersionText<sizeof(xen_changeset_info_t)>;
using CommandLine = VersionText<sizeof(xen_commandline_t)>;
struct GuestHandle {
  xen_domain_handle_t uuid;
};

class VersionOps {
 public:
  explicit VersionOps(Vcpu& vcpu) : memory_(vcpu) {}

  /// Major << 16 | minor.
  int64_t version() { return raw(XENVER_version, Gva{0}); }
  int64_t pagesize() { return raw(XENVER_pagesize, Gva{0}); }
  Called<ExtraVersion> extraversion() { return get<ExtraVersion>(XENVER_extraversion); }
  Called<Capabilities> capabilities() { return get<Capabilities>(XENVER_capabilities); }
  Called<ChangeSet> changeset() { return get<ChangeSet>(XENVER_changeset); }
  Called<CommandLine> commandline() { return get<CommandLine>(XENVER_commandline); }
  Called<xen_compile_info_t> compile_info() { return get<xen_compile_info_t>(XENVER_compile_info); }
  Called<xen_platform_parameters_t> platform_parameters();
  Called<xen_feature_info_t> features(uint32_t submap);
  Called<GuestHandle> guest_handle() { return get<GuestHandle>(XENVER_guest_handle); }
  /// Any command with any pointer.
  int64_t raw(uint64_t command, Gva argument) {
    return memory_.vcpu().hypercall(__HYPERVISOR_xen_version, {command, argument.raw()});
  }

 private:
  template <typename T>
  Called<T> get(uint64_t command) {
    T value;
    std::memset(&value, kUntouchedByte, sizeof value);
    return call_with(memory_, __HYPERVISOR_xen_version, command, value);
  }
  Scratch memory_;
};

inline Called<xen_platform_parameters_t> VersionOps::platform_parameters() {
  return get<xen_platform_parameters_t>(XENVER_platform_parameters);
}

inline Called<xen_feature_info_t> VersionOps::features(uint32_t submap) {
  return call_with(memory_, __HYPERVISOR_xen_version, XENVER_get_features, xen_feature_info_t{submap, kUntouched32});
}

}  // namespace assay
