/// A plugin for QEMU that notes which steps from block to block the hypervisor takes. Argument: map=FILE, of
/// kEdgeMapBytes. For an emulator with one thread (`-accel tcg,thread=single`).
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <map>
#include <string_view>
#include <utility>

#include "sim/target/xen/edges/edge_index.hpp"
#include "sim/target/xen/edges/qemu_plugin.h"

namespace assay::xen {
namespace {

/// Where Xen has its own code on x86. Source: its memory map, as `xen/arch/x86/include/asm/config.h` documents it.
constexpr uint64_t kXenStart = 0xffff'82d0'4000'0000;
constexpr uint64_t kXenEnd = 0xffff'82d0'8000'0000;
constexpr unsigned kVcpusMax = 256;  // NR_CPUS of Debian's Xen

uint8_t* map = nullptr;
std::array<const Block*, kVcpusMax> last_of{};

/// A block that is translated again, because the emulator's memory was full, is the same one. By start and end.
Block& known_block(const Block& block) {
  static std::map<std::pair<uint64_t, uint64_t>, Block> blocks;
  return blocks.try_emplace({block.start, block.next}, block).first->second;
}

void on_execution(unsigned vcpu, void* data) {
  auto* const block = static_cast<Block*>(data);
  const Block*& last = last_of[vcpu % kVcpusMax];
  __atomic_store_n(&map[edge_index(last, *block)], uint8_t{1}, __ATOMIC_RELAXED);
  last = block;
}

void on_translation(uint64_t, qemu_plugin_tb* translated) {
  const uint64_t start = qemu_plugin_tb_vaddr(translated);
  if (start < kXenStart || start >= kXenEnd) return;
  const qemu_plugin_insn* const last = qemu_plugin_tb_get_insn(translated, qemu_plugin_tb_n_insns(translated) - 1);
  const uint64_t address = qemu_plugin_insn_vaddr(last);
  const std::span bytes(static_cast<const uint8_t*>(qemu_plugin_insn_data(last)), qemu_plugin_insn_size(last));
  Block block;
  block.start = start;
  block.next = address + bytes.size();
  block.exit = exit_of(bytes, address);
  block.place = place_of(start);
  qemu_plugin_register_vcpu_tb_exec_cb(translated, on_execution, ASSAY_PLUGIN_TOUCHES_NO_REGISTERS,
                                       &known_block(block));
}

uint8_t* open_map(const char* path) {
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  void* const mapped = fd < 0 ? MAP_FAILED : mmap(nullptr, kEdgeMapBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0) close(fd);
  return mapped == MAP_FAILED ? nullptr : static_cast<uint8_t*>(mapped);
}

}  // namespace

int install(uint64_t plugin, int argc, char** argv) {
  constexpr std::string_view kMap = "map=";
  const bool is_told = argc == 1 && std::string_view(argv[0]).starts_with(kMap);
  map = is_told ? open_map(argv[0] + kMap.size()) : nullptr;
  if (map == nullptr) {
    std::fprintf(stderr, "assay-edges: needs map=FILE, a file of %u bytes\n", kEdgeMapBytes);
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(plugin, on_translation);
  return 0;
}

}  // namespace assay::xen

__attribute__((visibility("default"))) int qemu_plugin_version = ASSAY_PLUGIN_INTERFACE;

__attribute__((visibility("default"))) int qemu_plugin_install(uint64_t plugin, const qemu_info_t*, int argc,
                                                               char** argv) {
  return assay::xen::install(plugin, argc, argv);
}
