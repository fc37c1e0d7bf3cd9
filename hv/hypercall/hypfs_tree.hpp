/// The entries of the hypervisor's file system. Source: public/hypfs.h; docs: hypfs-paths.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "hv/base/error.hpp"

namespace hv {

/// A text that is made when it is read.
struct HypfsText {
  char bytes[64];
  uint32_t length;  ///< the closing zero byte counted
};

struct HypfsEntry {
  std::string_view name;
  uint8_t type;                          ///< XEN_HYPFS_TYPE_*
  std::span<const HypfsEntry> children;  ///< of a directory, in order of their names
  std::string_view text;                 ///< a fixed text, when there is no `limit`
  uint32_t number = 0;                   ///< XEN_HYPFS_TYPE_UINT
  uint32_t* (*limit)() = nullptr;        ///< a runtime parameter, read and written as a text
};

/// Longest text of a runtime parameter that is a 32-bit number, the closing zero byte counted.
constexpr uint32_t kHypfsNumberBytes = 12;

[[nodiscard]] const HypfsEntry& hypfs_root();
/// Null when there is none. `path` starts with a slash; a slash at its end does not matter.
[[nodiscard]] const HypfsEntry* hypfs_find(std::string_view path);
/// The text of an entry that is one.
[[nodiscard]] HypfsText hypfs_text(const HypfsEntry& entry);
/// Bytes of an entry's contents.
[[nodiscard]] uint32_t hypfs_bytes(const HypfsEntry& entry);
/// Errors, in order: EACCES read-only; EDOM too long or not closed by a zero byte at its end; EINVAL no number.
Status hypfs_write(const HypfsEntry& entry, std::string_view text);

/// Bytes of a directory's item: header, name with its zero byte, filled up to a multiple of four.
[[nodiscard]] uint32_t hypfs_item_bytes(std::string_view name);

}  // namespace hv
