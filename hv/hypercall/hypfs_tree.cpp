#include "hv/hypercall/hypfs_tree.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "hv/abi/identity.hpp"
#include "hv/base/host.hpp"
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
constexpr HypfsEntry kPool[] = {{.name = "sched-gran",
                                 .type = XEN_HYPFS_TYPE_STRING,
                                 .children = {},
                                 .text = {},
                                 .pools = HypfsEntry::Of::kGranularity}};
constexpr HypfsEntry kPools[] = {directory("", kPool)};
constexpr HypfsEntry kEachPool = {
    .name = "cpupool", .type = XEN_HYPFS_TYPE_DIR, .children = kPools, .text = {}, .pools = HypfsEntry::Of::kEachPool};
constexpr HypfsEntry kParameters[] = {parameter("gnttab_max_frames", grant_frames_limit),
                                      parameter("gnttab_max_maptrack_frames", maptrack_frames_limit)};
constexpr HypfsEntry kTop[] = {directory("buildinfo", kBuildInfo), kEachPool, directory("params", kParameters)};
constexpr HypfsEntry kRoot = directory("", kTop);

/// Longest text of a runtime parameter that is a 32-bit number, and of a granularity; the closing zero byte counted.
constexpr uint32_t kNumberBytes = 12;
constexpr uint32_t kGranularityBytes = 8;

HypfsText text_of(std::string_view text) {
  HypfsText made{};
  HV_ASSERT(text.size() < sizeof made.bytes);
  std::ranges::copy(text, made.bytes);
  made.length = static_cast<uint32_t>(text.size()) + 1;
  return made;
}

HypfsText text_of(uint32_t number) {
  HypfsText made{};
  made.length = static_cast<uint32_t>(std::snprintf(made.bytes, sizeof made.bytes, "%u", number)) + 1;
  return made;
}

Status write_number(uint32_t& to, std::string_view text) {
  uint64_t value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return fail(XEN_EINVAL);
    value = value * 10 + static_cast<uint64_t>(digit - '0');
  }
  if (text.empty() || value > UINT32_MAX) return fail(XEN_EINVAL);
  to = static_cast<uint32_t>(value);
  return kOk;
}

Status write_granularity(CpuPool& pool, std::string_view text) {
  const auto wanted = granularity_by_name(text);
  return wanted ? cpupool_set_granularity(pool, *wanted) : fail(XEN_EINVAL);
}

std::optional<HypfsNode> child_named(const HypfsNode& directory, std::string_view name) {
  for (uint32_t index = 0;; ++index) {
    const std::optional<HypfsNode> child = hypfs_child(directory, index);
    if (!child || name == hypfs_name(*child).bytes) return child;
  }
}

}  // namespace

std::optional<HypfsNode> hypfs_child(const HypfsNode& directory, uint32_t index) {
  const HypfsEntry& entry = *directory.entry;
  if (entry.pools == HypfsEntry::Of::kEachPool) {
    CpuPool* pool = &first_cpupool();
    for (; pool != nullptr && index > 0; --index) pool = pool->next;
    return pool == nullptr ? std::nullopt : std::optional(HypfsNode{&entry.children.front(), pool});
  }
  if (index >= entry.children.size()) return std::nullopt;
  return HypfsNode{&entry.children[index], directory.pool};
}

std::optional<HypfsNode> hypfs_find(std::string_view path) {
  std::optional<HypfsNode> at = HypfsNode{&kRoot};
  while (at && !path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    if (name.empty()) return path.empty() ? at : std::nullopt;
    at = child_named(*at, name);
  }
  return at;
}

HypfsText hypfs_name(const HypfsNode& node) {
  return node.entry->name.empty() && node.pool != nullptr ? text_of(node.pool->id) : text_of(node.entry->name);
}

HypfsText hypfs_text(const HypfsNode& node) {
  if (node.entry->pools == HypfsEntry::Of::kGranularity) return text_of(granularity_name(node.pool->granularity));
  return node.entry->limit != nullptr ? text_of(*node.entry->limit()) : text_of(node.entry->text);
}

uint32_t hypfs_item_bytes(const HypfsText& name) {
  return static_cast<uint32_t>(offsetof(xen_hypfs_dirlistentry, name)) + (name.length + 3) / 4 * 4;
}

uint32_t hypfs_bytes(const HypfsNode& node) {
  if (node.entry->type == XEN_HYPFS_TYPE_UINT) return sizeof node.entry->number;
  if (node.entry->type == XEN_HYPFS_TYPE_STRING) return hypfs_text(node).length;
  uint32_t bytes = 0;
  uint32_t index = 0;
  while (const auto child = hypfs_child(node, index++)) bytes += hypfs_item_bytes(hypfs_name(*child));
  return bytes;
}

uint32_t hypfs_write_max(const HypfsEntry& entry) {
  if (entry.pools == HypfsEntry::Of::kGranularity) return kGranularityBytes;
  return entry.limit != nullptr ? kNumberBytes : 0;
}

Status hypfs_write(const HypfsNode& node, std::string_view text) {
  const uint32_t bytes_max = hypfs_write_max(*node.entry);
  if (bytes_max == 0) return fail(XEN_EACCES);
  const bool is_number = node.entry->limit != nullptr;
  HV_ASSERT(text.size() <= bytes_max);
  // Measured on 4.17: one complains of the text's length, the other of what it says.
  if (text.empty() || text.find('\0') != text.size() - 1) return fail(is_number ? XEN_EDOM : XEN_EINVAL);
  text.remove_suffix(1);
  return is_number ? write_number(*node.entry->limit(), text) : write_granularity(*node.pool, text);
}

}  // namespace hv
