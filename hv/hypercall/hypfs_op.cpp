/// Hypercall 42: reading and writing the hypervisor's file system. Source: public/hypfs.h.
#include <cstring>
#include <optional>

#include "hv/domain/access.hpp"
#include "hv/domain/domain_list.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/hypercall/hypfs_tree.hpp"
#include "hv/hypercall/scratch.hpp"
#include "sim/abi/xen_services.hpp"

namespace hv {

namespace {

constexpr uint64_t kPathMax = 1024;
constexpr int64_t kInterfaceVersion = 1;

struct Path {
  char bytes[kPathMax];
};

/// Errors, in order: EINVAL length; EFAULT; EINVAL not closed at its end, or no absolute path; ENOENT.
Result<HypfsNode> find_entry(Call& call) {
  const uint64_t length = call.arg[2];
  if (length == 0 || length > kPathMax) return fail(XEN_EINVAL);
  const Scratch<Path> path;
  if (!path.ok()) return fail(XEN_ENOMEM);
  if (!copy_from_guest(call.space(), path->bytes, call.pointer(1), length)) return fail(XEN_EFAULT);
  if (std::memchr(path->bytes, 0, length) != path->bytes + length - 1 || path->bytes[0] != '/') return fail(XEN_EINVAL);
  const std::optional<HypfsNode> node = hypfs_find({path->bytes, length - 1});
  if (!node) return fail(XEN_ENOENT);
  return *node;
}

xen_hypfs_direntry_t header_of(const HypfsNode& node) {
  xen_hypfs_direntry_t header{};
  header.type = node.entry->type;
  header.encoding = XEN_HYPFS_ENC_PLAIN;
  header.content_len = hypfs_bytes(node);
  header.max_write_len = hypfs_write_max(*node.entry);
  return header;
}

bool write_directory(Call& call, const HypfsNode& node, Gva at) {
  std::optional<HypfsNode> child = hypfs_child(node, 0);
  for (uint32_t index = 1; child; ++index) {
    const std::optional<HypfsNode> behind = hypfs_child(node, index);
    char item[96]{};
    const HypfsText name = hypfs_name(*child);
    const uint32_t bytes = hypfs_item_bytes(name);
    HV_ASSERT(bytes <= sizeof item);
    const xen_hypfs_direntry_t header = header_of(*child);
    const auto next = static_cast<uint16_t>(behind ? bytes : 0);
    std::memcpy(item, &header, sizeof header);
    std::memcpy(item + offsetof(xen_hypfs_dirlistentry, off_next), &next, sizeof next);
    std::memcpy(item + offsetof(xen_hypfs_dirlistentry, name), name.bytes, name.length);
    if (!copy_to_guest(call.space(), at, item, bytes)) return false;
    at = at + bytes;
    child = behind;
  }
  return true;
}

bool write_contents(Call& call, const HypfsNode& node, Gva at) {
  if (node.entry->type == XEN_HYPFS_TYPE_DIR) return write_directory(call, node, at);
  if (node.entry->type == XEN_HYPFS_TYPE_UINT) return write_guest(call.space(), at, node.entry->number);
  const HypfsText text = hypfs_text(node);
  return copy_to_guest(call.space(), at, text.bytes, text.length);
}

/// Errors, in order: EINVAL no room for the header; EFAULT; ENOBUFS no room for the contents, with the header written.
int64_t read_entry(Call& call, const HypfsNode& node) {
  const xen_hypfs_direntry_t header = header_of(node);
  const uint64_t room = call.arg[4];
  if (room < sizeof header) return -XEN_EINVAL;
  const Gva buffer = call.pointer(3);
  if (!write_guest(call.space(), buffer, header)) return -XEN_EFAULT;
  if (room - sizeof header < header.content_len) return -XEN_ENOBUFS;
  return write_contents(call, node, buffer + sizeof header) ? 0 : -XEN_EFAULT;
}

int64_t write_entry(Call& call, const HypfsNode& node) {
  const uint32_t bytes_max = hypfs_write_max(*node.entry);
  if (bytes_max == 0) return -XEN_EACCES;
  const uint64_t length = call.arg[4];
  char text[64];
  HV_ASSERT(bytes_max <= sizeof text);
  if (length > bytes_max) return node.entry->limit != nullptr ? -XEN_EDOM : -XEN_ENOSPC;  // measured on 4.17
  if (!copy_from_guest(call.space(), text, call.pointer(3), length)) return -XEN_EFAULT;
  return hypfs_write(node, {text, length}).raw();
}

}  // namespace

/// Errors, in order: EPERM; of get_version EINVAL; as find_entry; EOPNOTSUPP; those of the operation.
int64_t do_hypfs_op(Call& call) {
  if (!is_control(call.domain())) return -XEN_EPERM;
  const auto op = static_cast<uint32_t>(call.arg[0]);
  if (op == XEN_HYPFS_OP_get_version) {
    return (call.arg[1] | call.arg[2] | call.arg[3] | call.arg[4]) != 0 ? -XEN_EINVAL : kInterfaceVersion;
  }
  const LockGuard guard(domain_list().control_lock);
  const Result<HypfsNode> entry = find_entry(call);
  if (!entry.ok()) return entry.status().raw();
  switch (op) {
    case XEN_HYPFS_OP_read:
      return read_entry(call, *entry);
    case XEN_HYPFS_OP_write_contents:
      return write_entry(call, *entry);
    default:
      return -XEN_EOPNOTSUPP;
  }
}

}  // namespace hv
