#include "hv/hypercall/hypfs_tree.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "hv/abi/identity.hpp"
#include "hv/domain/domain_list.hpp"
#include "sim/abi/xen_services.hpp"

namespace hv {

namespace {

uint32_t* grant_frames_limit() {
  return &domain_list().grant_frames_max;
}
uint32_t* maptrack_frames_limit() {
  return &domain_list().maptrack_frames_max;
}

constexpr HypfsEntry text(std::string_view name, std::string_view value) {
  return {.name = name, .type = XEN_HYPFS_TYPE_STRING, .children = {}, .text = value};
}
constexpr HypfsEntry number(std::string_view name, uint32_t value) {
  return {.name = name, .type = XEN_HYPFS_TYPE_UINT, .children = {}, .text = {}, .number = value};
}
constexpr HypfsEntry directory(std::string_view name, std::span<const HypfsEntry> children) {
  return {.name = name, .type = XEN_HYPFS_TYPE_DIR, .children = children, .text = {}};
}
constexpr HypfsEntry parameter(std::string_view name, uint32_t* (*limit)()) {
  return {.name = name, .type = XEN_HYPFS_TYPE_STRING, .children = {}, .text = {}, .limit = limit};
}

constexpr HypfsEntry kCompileInfo[] = {text("compile_by", kCompileBy), text("compile_date", kCompileDate),
                                       text("compile_domain", kCompileDomain), text("compiler", kCompiler)};
constexpr HypfsEntry kVersionInfo[] = {text("extra", kExtraVersion), number("major", kVersionMajor),
                                       number("minor", kVersionMinor)};
constexpr HypfsEntry kBuildInfo[] = {text("changeset", kChangeset), directory("compileinfo", kCompileInfo),
                                     directory("version", kVersionInfo)};
constexpr HypfsEntry kPool[] = {text("sched-gran", "cpu")};
constexpr HypfsEntry kPools[] = {directory("0", kPool)};
constexpr HypfsEntry kParameters[] = {parameter("gnttab_max_frames", grant_frames_limit),
                                      parameter("gnttab_max_maptrack_frames", maptrack_frames_limit)};
constexpr HypfsEntry kTop[] = {directory("buildinfo", kBuildInfo), directory("cpupool", kPools),
                               directory("params", kParameters)};
constexpr HypfsEntry kRoot = directory("", kTop);

}  // namespace

const HypfsEntry& hypfs_root() {
  return kRoot;
}

const HypfsEntry* hypfs_find(std::string_view path) {
  const HypfsEntry* at = &kRoot;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    if (name.empty()) return path.empty() ? at : nullptr;
    const auto found = std::ranges::find(at->children, name, &HypfsEntry::name);
    if (found == at->children.end()) return nullptr;
    at = &*found;
  }
  return at;
}

HypfsText hypfs_text(const HypfsEntry& entry) {
  HypfsText made{};
  if (entry.limit != nullptr) {
    std::snprintf(made.bytes, sizeof made.bytes, "%u", *entry.limit());
  } else {
    std::snprintf(made.bytes, sizeof made.bytes, "%.*s", static_cast<int>(entry.text.size()), entry.text.data());
  }
  made.length = static_cast<uint32_t>(std::strlen(made.bytes)) + 1;
  return made;
}

uint32_t hypfs_item_bytes(std::string_view name) {
  const auto name_bytes = static_cast<uint32_t>(name.size()) + 1;
  return static_cast<uint32_t>(offsetof(xen_hypfs_dirlistentry, name)) + (name_bytes + 3) / 4 * 4;
}

uint32_t hypfs_bytes(const HypfsEntry& entry) {
  if (entry.type == XEN_HYPFS_TYPE_UINT) return sizeof entry.number;
  if (entry.type == XEN_HYPFS_TYPE_STRING) return hypfs_text(entry).length;
  uint32_t bytes = 0;
  for (const HypfsEntry& child : entry.children) bytes += hypfs_item_bytes(child.name);
  return bytes;
}

Status hypfs_write(const HypfsEntry& entry, std::string_view text) {
  if (entry.limit == nullptr) return fail(XEN_EACCES);
  if (text.empty() || text.size() > kHypfsNumberBytes || text.find('\0') != text.size() - 1) return fail(XEN_EDOM);
  uint64_t value = 0;
  for (const char digit : text.substr(0, text.size() - 1)) {
    if (digit < '0' || digit > '9') return fail(XEN_EINVAL);
    value = value * 10 + static_cast<uint64_t>(digit - '0');
  }
  if (text.size() == 1 || value > UINT32_MAX) return fail(XEN_EINVAL);
  *entry.limit() = static_cast<uint32_t>(value);
  return kOk;
}

}  // namespace hv
