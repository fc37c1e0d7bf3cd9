/// The entries of the hypervisor's file system. Source: public/hypfs.h; docs: hypfs-paths.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hv/base/error.hpp"
#include "hv/sched/cpupool.hpp"

namespace hv {

/// A text that is made when it is read.
struct HypfsText {
  char bytes[64];
  uint32_t length;  ///< the closing zero byte counted
};

/// What stands in the tree whatever pools there are.
struct HypfsEntry {
  enum class Of : uint8_t { kNothing, kEachPool, kGranularity };
  std::string_view name;                 ///< empty: a pool's number
  uint8_t type;                          ///< XEN_HYPFS_TYPE_*
  std::span<const HypfsEntry> children;  ///< of a directory, in order of their names
  std::string_view text;                 ///< a fixed text
  uint32_t number = 0;                   ///< XEN_HYPFS_TYPE_UINT
  uint32_t* (*limit)() = nullptr;        ///< a runtime parameter, read and written as a text
  Of pools = Of::kNothing;               ///< a directory whose one child is there for each pool; a pool's granularity
};

/// An entry; below the directory of a pool, that pool's.
struct HypfsNode {
  const HypfsEntry* entry = nullptr;
  CpuPool* pool = nullptr;
};

// All of these with the control lock held: pools come and go.

/// None: there is no such entry. `path` starts with a slash; a slash at its end does not matter.
[[nodiscard]] std::optional<HypfsNode> hypfs_find(std::string_view path);
/// None: the directory has no further ones.
[[nodiscard]] std::optional<HypfsNode> hypfs_child(const HypfsNode& directory, uint32_t index);
[[nodiscard]] HypfsText hypfs_name(const HypfsNode& node);
/// The text of an entry that is one.
[[nodiscard]] HypfsText hypfs_text(const HypfsNode& node);
/// Bytes of an entry's contents.
[[nodiscard]] uint32_t hypfs_bytes(const HypfsNode& node);
/// Longest text that can be written, the closing zero byte counted; 0: it is read-only.
[[nodiscard]] uint32_t hypfs_write_max(const HypfsEntry& entry);
/// Errors, in order: EACCES read-only; EDOM a number that is not closed by a zero byte at its end; EINVAL
/// no number, or no granularity that the pool can have; EBUSY the pool has pCPUs.
/// `text` is at most hypfs_write_max long.
Status hypfs_write(const HypfsNode& node, std::string_view text);

/// Bytes of a directory's item: header, name (its zero byte counted), filled up to a multiple of four.
[[nodiscard]] uint32_t hypfs_item_bytes(const HypfsText& name);

}  // namespace hv
