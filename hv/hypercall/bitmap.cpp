#include "hv/hypercall/bitmap.hpp"

#include <algorithm>
#include <cstring>

#include "hv/base/fault.hpp"
#include "hv/domain/nodes.hpp"
#include "hv/hypercall/scratch.hpp"

namespace hv {

namespace {

uint64_t bytes_for(uint64_t bits) {
  return bits / 8 + (bits % 8 != 0 ? 1 : 0);
}

/// `bits`: of the machine.
bool read_mask(const AddressSpace& space, CpuMask& mask, const xenctl_bitmap& from, uint32_t bits) {
  std::array<uint8_t, sizeof(CpuMask)> bytes{};
  const uint64_t guest_bytes = bytes_for(from.nr_bits);
  const uint64_t count = std::min<uint64_t>(guest_bytes, bytes_for(bits));
  if (count != 0 && !copy_from_guest(space, bytes.data(), handle_address(from.bitmap), count)) return false;
  const bool cut = from.nr_bits % 8 != 0 && !fault("sysctl.mask_bits_beyond_end");
  if (count != 0 && count == guest_bytes && cut) {
    bytes[count - 1] &= static_cast<uint8_t>((1u << from.nr_bits % 8) - 1);
  }
  std::memcpy(mask.data(), bytes.data(), sizeof mask);
  return true;
}

bool write_mask(const AddressSpace& space, const xenctl_bitmap& to, const CpuMask& mask, uint32_t bits) {
  std::array<uint8_t, sizeof(CpuMask)> bytes;
  std::memcpy(bytes.data(), mask.data(), sizeof mask);
  const uint64_t guest_bytes = bytes_for(to.nr_bits);
  const uint64_t count = std::min<uint64_t>(guest_bytes, bytes_for(bits));
  const Gva start = handle_address(to.bitmap);
  if (count != 0 && !copy_to_guest(space, start, bytes.data(), count)) return false;
  return guest_bytes == count || clear_guest(space, Gva{start.raw() + count}, guest_bytes - count);
}

}  // namespace

CpuMask online_cpus() {
  CpuMask mask{};
  for (uint32_t i = 0; i < host().pcpus; ++i) mask[i / 64] |= uint64_t{1} << (i % 64);
  return mask;
}

bool read_cpu_mask(const AddressSpace& space, CpuMask& mask, const xenctl_bitmap& from) {
  return read_mask(space, mask, from, host().pcpus);
}

bool write_cpu_mask(const AddressSpace& space, const xenctl_bitmap& to, const CpuMask& mask) {
  return write_mask(space, to, mask, host().pcpus);
}

bool read_node_mask(const AddressSpace& space, uint64_t& nodes, const xenctl_bitmap& from) {
  CpuMask mask{};
  if (!read_mask(space, mask, from, node_count())) return false;
  nodes = mask[0];
  return true;
}

bool write_node_mask(const AddressSpace& space, const xenctl_bitmap& to, uint64_t nodes) {
  return write_mask(space, to, CpuMask{nodes}, node_count());
}

}  // namespace hv
