/// A guest kernel that somebody else built: an ELF file with Xen's notes. Hostile input: everything in it is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/target/target.hpp"

namespace assay {

struct KernelSegment {
  uint64_t physical = 0;  ///< guest-physical address
  std::vector<std::byte> file_bytes;
  uint64_t memory_bytes = 0;  ///< zeroes behind the file's bytes
};

struct KernelImage {
  GuestType type = GuestType::kPv64;
  std::string guest_os;  ///< as it calls itself; may be empty
  std::vector<KernelSegment> segments;
  uint64_t physical_end = 0;  ///< of the last segment
  /// PV64: virtual. PVH: physical, in 32-bit protected mode.
  uint64_t entry = 0;
  uint64_t virt_base = 0;                  ///< PV64: guest-physical 0 is mapped here
  std::optional<uint64_t> hypercall_page;  ///< PV64: virtual address of a page for the hypervisor's stubs
  bool wants_initrd_frame = false;         ///< PV64: mod_start shall be a frame number

  /// Which of the two boot protocols that a file may speak; PVH when it is not said and the file speaks both.
  /// Throws std::runtime_error that says which file and what is wrong with it.
  static KernelImage load(const std::filesystem::path& path, std::optional<GuestType> wanted = std::nullopt);
  /// The same of bytes; throws ElfError.
  static KernelImage parse(std::span<const std::byte> file, std::optional<GuestType> wanted = std::nullopt);
};

/// A whole file. Throws std::runtime_error that names it when it cannot be read or is larger than `bytes_max`.
std::vector<std::byte> read_whole_file(const std::filesystem::path& path, uint64_t bytes_max);

}  // namespace assay
