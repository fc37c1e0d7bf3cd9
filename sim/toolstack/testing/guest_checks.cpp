#include "sim/toolstack/testing/guest_checks.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "sim/abi/xen.hpp"

namespace assay::toolstack::testing {

namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr unsigned kPollsMax = 20;
constexpr uint64_t kKeptPagesMax = 64;

void check_vcpu_alive(Vcpu& vcpu) {
  const int64_t version = vcpu.hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0});
  EXPECT_GT(version, 4 << 16);
  const Gva page = vcpu.domain().alloc_pages(1);
  vcpu.write<uint64_t>(page + 8, 0x1122334455667788);
  EXPECT_EQ(vcpu.read<uint64_t>(page + 8), 0x1122334455667788u);
  EXPECT_EQ(vcpu.read<uint64_t>(page), 0u);
  EXPECT_EQ(vcpu.hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_is_up, vcpu.id(), 0}), 1);
}

template <typename Op>
int64_t control(Target& target, uint32_t number, Op& op) {
  Vcpu& vcpu = target.dom0().vcpu(0);
  const Gva page = target.dom0().alloc_pages(1);
  vcpu.write(page, op);
  const int64_t result = vcpu.hypercall(number, {page.raw()});
  op = vcpu.read<Op>(page);
  return result;
}

}  // namespace

GuestSpec guest_spec(GuestType type, uint32_t vcpus, uint64_t pages) {
  GuestSpec spec;
  spec.type = type;
  spec.vcpus = spec.vcpus_online = vcpus;
  spec.pages = static_cast<uint32_t>(pages);
  return spec;
}

void check_alive(Domain& guest) {
  for (uint32_t vcpu = 0; vcpu < guest.vcpu_count(); ++vcpu) check_vcpu_alive(guest.vcpu(vcpu));
}

void check_pv_boot(Domain& guest) {
  Vcpu& vcpu = guest.vcpu(0);
  const GuestSpace& space = guest.space();
  const auto info = vcpu.read<start_info>(space.start_info);
  EXPECT_EQ(std::memcmp(info.magic, "xen-", 4), 0);
  EXPECT_EQ(info.nr_pages, space.pages);
  EXPECT_EQ(info.mfn_list, space.p2m.raw());
  EXPECT_LT(info.mfn_list, space.start_info.raw());
  EXPECT_LT(space.start_info.raw(), info.pt_base);
  EXPECT_NE(info.shared_info, 0u);

  std::vector<uint64_t> p2m(space.pages);
  ASSERT_FALSE(vcpu.read_bytes(space.p2m, std::as_writable_bytes(std::span(p2m))));
  for (uint64_t pfn = 0; pfn < space.pages; ++pfn) {
    ASSERT_EQ(vcpu.read<uint64_t>(Gva{MACH2PHYS_VIRT_START} + p2m[pfn] * sizeof(uint64_t)), pfn);
  }
  // Tables are there to be read, not to be written.
  for (uint64_t table = 0; table < info.nr_pt_frames; ++table) {
    const uint64_t value = 0;
    const Gva va{info.pt_base + table * kPageSize};
    EXPECT_TRUE(vcpu.write_bytes(va + 8, std::as_bytes(std::span(&value, 1))).has_value());
  }
  const Gva last{space.va_offset + space.pages * kPageSize - sizeof(uint64_t)};
  vcpu.write<uint64_t>(last, 42);
  EXPECT_EQ(vcpu.read<uint64_t>(last), 42u);
}

void check_pvh_boot(Domain& guest) {
  Vcpu& vcpu = guest.vcpu(0);
  const GuestSpace& space = guest.space();
  const auto info = vcpu.read<hvm_start_info>(space.start_info);
  EXPECT_EQ(info.magic, static_cast<uint32_t>(XEN_HVM_START_MAGIC_VALUE));
  ASSERT_EQ(info.memmap_entries, 1u);
  const auto ram = vcpu.read<hvm_memmap_table_entry>(Gva{space.va_offset + info.memmap_paddr});
  EXPECT_EQ(ram.size, space.pages * kPageSize);
  const Gva last{space.va_offset + space.pages * kPageSize - sizeof(uint64_t)};
  vcpu.write<uint64_t>(last, 42);
  EXPECT_EQ(vcpu.read<uint64_t>(last), 42u);
}

std::vector<uint32_t> pcpus_of(Target& target, DomId id, uint32_t vcpu) {
  std::array<uint64_t, 4> map{};
  const Gva page = target.dom0().alloc_pages(1);
  xen_domctl op;
  std::memset(&op, 0, sizeof op);
  op.cmd = XEN_DOMCTL_getvcpuaffinity;
  op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
  op.domain = id.raw();
  op.u.vcpuaffinity.vcpu = vcpu;
  op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
  op.u.vcpuaffinity.cpumap_hard.nr_bits = 64 * map.size();
  op.u.vcpuaffinity.cpumap_hard.bitmap.p = reinterpret_cast<uint8_t*>(page.raw());
  EXPECT_EQ(control(target, __HYPERVISOR_domctl, op), 0);
  map = target.dom0().vcpu(0).read<decltype(map)>(page);
  std::vector<uint32_t> pcpus;
  for (uint32_t pcpu = 0; pcpu < 64 * map.size(); ++pcpu) {
    if ((map[pcpu / 64] >> (pcpu % 64) & 1) != 0) pcpus.push_back(pcpu);
  }
  return pcpus;
}

uint64_t free_pages(Target& target) {
  xen_sysctl op;
  std::memset(&op, 0, sizeof op);
  op.cmd = XEN_SYSCTL_physinfo;
  op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
  EXPECT_EQ(control(target, __HYPERVISOR_sysctl, op), 0);
  return op.u.physinfo.free_pages;
}

bool regains_free_pages(Target& target, uint64_t wanted) {
  for (unsigned poll = 0; poll < kPollsMax; ++poll) {
    if (free_pages(target) + kKeptPagesMax >= wanted) return true;
    target.pass_time(kNsPerMs);
  }
  return false;
}

bool domain_exists(Target& target, DomId id) {
  xen_domctl op;
  std::memset(&op, 0, sizeof op);
  op.cmd = XEN_DOMCTL_getdomaininfo;
  op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
  op.domain = id.raw();
  return control(target, __HYPERVISOR_domctl, op) == 0 && op.u.getdomaininfo.domain == id.raw();
}

}  // namespace assay::toolstack::testing
