#include "sim/toolstack/testing/fake_privileged.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sim/toolstack/testing/fake_layout.hpp"

namespace assay::toolstack::testing {

namespace {

constexpr uint64_t kTablePfn = 5;
constexpr uint64_t kTableMfn = 1;
constexpr uint64_t kStartInfoPfn = 4;
constexpr uint64_t kFirstMfn = 0x1000;

}  // namespace

void FakePort::transfer(uint64_t va, std::byte* out, const std::byte* in, uint64_t bytes) {
  for (uint64_t done = 0; done < bytes;) {
    std::array<std::byte, kPageSize>& page = state_->pages[(va + done) / kPageSize];
    const uint64_t offset = (va + done) % kPageSize;
    const uint64_t part = std::min(kPageSize - offset, bytes - done);
    if (out) std::memcpy(out + done, &page[offset], part);
    if (in) std::memcpy(&page[offset], in + done, part);
    done += part;
  }
}

template <typename T>
T FakePort::get(uint64_t va) {
  T value;
  transfer(va, reinterpret_cast<std::byte*>(&value), nullptr, sizeof value);
  return value;
}

template <typename T>
void FakePort::put(uint64_t va, const T& value) {
  transfer(va, nullptr, reinterpret_cast<const std::byte*>(&value), sizeof value);
}

bool FakePort::await(GuestReply& reply, uint64_t) {
  const auto& arg = request_.arg;
  reply = {};
  ++state_->requests;
  switch (request_.op) {
    case ASSAY_OP_HYPERCALL:
      reply.value[0] = static_cast<uint64_t>(hypercall(arg[0], &arg[1]));
      break;
    case ASSAY_OP_READ:
      transfer(arg[0], request_.out.data(), nullptr, request_.out.size());
      break;
    case ASSAY_OP_WRITE:
      transfer(arg[0], nullptr, request_.in.data(), request_.in.size());
      break;
    case ASSAY_OP_FILL: {
      const std::vector<std::byte> bytes(arg[1], static_cast<std::byte>(arg[2]));
      transfer(arg[0], nullptr, bytes.data(), bytes.size());
      break;
    }
    case ASSAY_OP_CPUID:
    case ASSAY_OP_SPIN:
      break;
    default:
      reply.status = ASSAY_STATUS_BAD_OP;
  }
  return true;
}

int64_t FakePort::hypercall(uint64_t number, const uint64_t* args) {
  if (state_->calls++ == state_->failing_call) return -ENOMEM;
  switch (number) {
    case __HYPERVISOR_domctl:
      return domctl(args[0]);
    case __HYPERVISOR_memory_op:
      return args[0] == XENMEM_populate_physmap ? populate(args[1]) : -ENOSYS;
    case __HYPERVISOR_multicall:
      return multicall(args[0], args[1]);
    case __HYPERVISOR_update_va_mapping:
    case __HYPERVISOR_update_va_mapping_otherdomain:
      return update_va_mapping(number, args);
    case __HYPERVISOR_mmuext_op:
      // What is still mapped writable cannot become a page table.
      return state_->foreign.empty() ? 0 : -EINVAL;
    default:
      return -ENOSYS;
  }
}

int64_t FakePort::domctl(uint64_t va) {
  auto op = get<xen_domctl>(va);
  if (op.cmd == XEN_DOMCTL_createdomain) {
    op.domain = kFakeDomain;
    state_->domain_exists = true;
  } else if (!state_->domain_exists || op.domain != kFakeDomain) {
    return -ESRCH;
  }
  if (op.cmd == XEN_DOMCTL_getdomaininfo) op.u.getdomaininfo.domain = kFakeDomain;
  if (op.cmd == XEN_DOMCTL_unpausedomain) state_->domain_runs = true;
  // A domain whose frames somebody has mapped stays.
  if (op.cmd == XEN_DOMCTL_destroydomain) state_->domain_exists = !state_->foreign.empty();
  put(va, op);
  return 0;
}

int64_t FakePort::populate(uint64_t va) {
  const auto reservation = get<xen_memory_reservation>(va);
  const auto list = reinterpret_cast<uint64_t>(reservation.extent_start.p);
  for (uint64_t i = 0; i < reservation.nr_extents; ++i) {
    const uint64_t slot = list + i * sizeof(uint64_t);
    put(slot, get<uint64_t>(slot) + kFirstMfn);
  }
  return static_cast<int64_t>(reservation.nr_extents);
}

int64_t FakePort::multicall(uint64_t va, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    auto call = get<multicall_entry>(va + i * sizeof(multicall_entry));
    std::array<uint64_t, 6> args;
    std::copy(std::begin(call.args), std::end(call.args), args.begin());
    call.result = static_cast<xen_ulong_t>(hypercall(call.op, args.data()));
    put(va + i * sizeof call, call);
  }
  return 0;
}

int64_t FakePort::update_va_mapping(uint64_t number, const uint64_t* args) {
  if (number == __HYPERVISOR_update_va_mapping_otherdomain) {
    if (args[3] != kFakeDomain || !state_->domain_exists) return -ESRCH;
    state_->foreign.insert(args[0]);
  } else {
    state_->foreign.erase(args[0]);
  }
  return 0;
}

std::unique_ptr<Domain> make_fake_dom0(FakeState& state) {
  GuestSpace space;
  space.layout = fake_layout();
  space.va_offset = space.layout.virt_base;
  space.pages = 1024;
  space.start_info = Gva{space.va_offset + kStartInfoPfn * kPageSize};
  auto dom0 = std::make_unique<Domain>(DomId{0}, GuestType::kPv64, space);
  Vcpu& vcpu = dom0->add_vcpu(std::make_unique<FakePort>(state));

  const Gva table{space.va_offset + kTablePfn * kPageSize};
  vcpu.write<uint64_t>(space.start_info + offsetof(start_info, pt_base), table.raw());
  vcpu.write<uint64_t>(Gva{MACH2PHYS_VIRT_START} + kTableMfn * sizeof(uint64_t), kTablePfn);
  std::array<uint64_t, kPageSize / sizeof(uint64_t)> entries;
  entries.fill(kTableMfn << kPageShift | 1);
  vcpu.write(table, entries);
  return dom0;
}

}  // namespace assay::toolstack::testing
