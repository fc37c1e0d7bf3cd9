/// The agent kernel as a file: an ELF64 image with Xen notes and the layout that the host needs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "sim/guest/agent/protocol.h"

namespace assay {

/// A program header of type PT_LOAD. Addresses are virtual; file bytes first, zeroes up to memory_bytes.
struct ImageSegment {
  uint64_t virtual_address;
  uint64_t physical_address;
  std::vector<std::byte> file_bytes;
  uint64_t memory_bytes;
  bool writable;
};

struct AgentImage {
  assay_agent_layout layout{};
  std::vector<ImageSegment> segments;
  std::vector<std::byte> file;  ///< all of it: what a hypervisor that loads ELF files itself is given

  /// Reads an agent image. Throws std::runtime_error that says which file and what is wrong with it.
  static AgentImage load(const std::filesystem::path& path);
  /// The same of bytes; throws ElfError.
  static AgentImage parse(std::vector<std::byte> file);
};

}  // namespace assay
