#include "sim/toolstack/domain_control.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "sim/toolstack/error.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::toolstack {

namespace {

constexpr uint32_t kPcpusMax = 256;
/// A teardown that makes no end of continuations is a fault of the hypervisor.
constexpr uint32_t kDestroyCallsMax = 10'000;

std::string of(const std::string& name, DomId domain) {
  return name + " of domain " + std::to_string(domain.raw());
}

}  // namespace

void DomainControl::must_domctl(xen_domctl& op, const char* name) const {
  const DomId domain{op.domain};
  must(dom0_->domctl(op), of(name, domain));
}

DomId DomainControl::create(const GuestSpec& spec) const {
  xen_domctl op = make_domctl(XEN_DOMCTL_createdomain, DomId{0});
  xen_domctl_createdomain& create = op.u.createdomain;
  if (spec.type == GuestType::kPvh) {
    create.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    create.arch.emulation_flags = XEN_X86_EMU_LAPIC;
  }
  create.max_vcpus = spec.vcpus;
  create.max_evtchn_port = spec.max_evtchn_port != 0 ? spec.max_evtchn_port : UINT32_MAX;
  create.max_grant_frames = spec.max_grant_frames;
  create.max_maptrack_frames = spec.max_maptrack_frames;
  create.grant_opts = XEN_DOMCTL_GRANT_version(spec.max_grant_version);
  must(dom0_->domctl(op), "createdomain");
  return DomId{op.domain};
}

void DomainControl::set_max_vcpus(DomId domain, uint32_t vcpus) const {
  xen_domctl op = make_domctl(XEN_DOMCTL_max_vcpus, domain);
  op.u.max_vcpus.max = vcpus;
  must_domctl(op, "max_vcpus");
}

void DomainControl::set_paging_pool(DomId domain, uint64_t bytes) const {
  xen_domctl op = make_domctl(XEN_DOMCTL_set_paging_mempool_size, domain);
  op.u.paging_mempool.size = bytes;
  must_domctl(op, "set_paging_mempool_size");
}

void DomainControl::set_max_memory(DomId domain, uint64_t pages) const {
  xen_domctl op = make_domctl(XEN_DOMCTL_max_mem, domain);
  op.u.max_mem.max_memkb = pages * (kPageSize >> 10);
  must_domctl(op, "max_mem");
}

void DomainControl::pin(DomId domain, uint32_t vcpu, uint32_t pcpu) const {
  std::array<uint8_t, kPcpusMax / 8> map{};
  if (pcpu >= kPcpusMax) throw ToolstackError("there is no pCPU " + std::to_string(pcpu));
  map[pcpu / 8] = static_cast<uint8_t>(1u << (pcpu % 8));
  dom0_->write_buffer(std::as_bytes(std::span(map)));
  xen_domctl op = make_domctl(XEN_DOMCTL_setvcpuaffinity, domain);
  op.u.vcpuaffinity.vcpu = vcpu;
  op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
  op.u.vcpuaffinity.cpumap_hard.nr_bits = kPcpusMax;
  set_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, dom0_->buffer());
  must_domctl(op, "setvcpuaffinity");
}

std::vector<uint64_t> DomainControl::populate(DomId domain, uint64_t pages) const {
  std::vector<uint64_t> pfns(pages);
  std::iota(pfns.begin(), pfns.end(), 0);
  return populate(domain, std::move(pfns));
}

std::vector<uint64_t> DomainControl::populate(DomId domain, std::vector<uint64_t> frames) const {
  constexpr uint64_t kExtentsMax = Privileged::kBufferBytes / sizeof(uint64_t);
  for (uint64_t first = 0; first < frames.size(); first += kExtentsMax) {
    const std::span part = std::span(frames).subspan(first, std::min(kExtentsMax, frames.size() - first));
    dom0_->write_buffer(std::as_bytes(part));
    xen_memory_reservation reservation;
    std::memset(&reservation, 0, sizeof reservation);
    set_handle(reservation.extent_start, dom0_->buffer());
    reservation.nr_extents = part.size();
    reservation.domid = domain.raw();
    must_all(dom0_->memory_op(XENMEM_populate_physmap, reservation), part.size(), of("populate_physmap", domain));
    dom0_->read_buffer(std::as_writable_bytes(part));
  }
  return frames;
}

std::optional<xen_domctl_getdomaininfo> DomainControl::info(DomId domain) const {
  xen_domctl op = make_domctl(XEN_DOMCTL_getdomaininfo, domain);
  const int64_t result = dom0_->domctl(op);
  if (result == -ESRCH) return std::nullopt;
  must(result, of("getdomaininfo", domain));
  // The operation answers with the next domain when this one does not exist.
  if (op.u.getdomaininfo.domain != domain.raw()) return std::nullopt;
  return op.u.getdomaininfo;
}

void DomainControl::init_hypercall_page(DomId domain, Mfn frame) const {
  xen_domctl op = make_domctl(XEN_DOMCTL_hypercall_init, domain);
  op.u.hypercall_init.gmfn = frame.raw();
  must_domctl(op, "hypercall_init");
}

void DomainControl::pin_table(DomId domain, Mfn frame, unsigned level) const {
  static_assert(MMUEXT_PIN_L4_TABLE == MMUEXT_PIN_L1_TABLE + 3);
  mmuext_op op;
  std::memset(&op, 0, sizeof op);
  op.cmd = MMUEXT_PIN_L1_TABLE + level - 1;
  op.arg1.mfn = frame.raw();
  dom0_->vcpu().write(dom0_->argument(), op);
  constexpr uint64_t kOperations = 1, kNoCount = 0;
  const int64_t result =
      dom0_->call(__HYPERVISOR_mmuext_op, {dom0_->argument().raw(), kOperations, kNoCount, domain.raw()});
  must(result, of("mmuext_op pin_l" + std::to_string(level) + "_table", domain));
}

void DomainControl::set_vcpu_context(DomId domain, uint32_t vcpu, const vcpu_guest_context& context) const {
  dom0_->write_buffer(std::as_bytes(std::span(&context, 1)));
  xen_domctl op = make_domctl(XEN_DOMCTL_setvcpucontext, domain);
  op.u.vcpucontext.vcpu = vcpu;
  set_handle(op.u.vcpucontext.ctxt, dom0_->buffer());
  must_domctl(op, "setvcpucontext");
}

void DomainControl::set_hvm_context(DomId domain, std::span<const std::byte> records) const {
  dom0_->write_buffer(records);
  xen_domctl op = make_domctl(XEN_DOMCTL_sethvmcontext, domain);
  op.u.hvmcontext.size = static_cast<uint32_t>(records.size());
  set_handle(op.u.hvmcontext.buffer, dom0_->buffer());
  must_domctl(op, "sethvmcontext");
}

void DomainControl::unpause(DomId domain) const {
  xen_domctl op = make_domctl(XEN_DOMCTL_unpausedomain, domain);
  must_domctl(op, "unpausedomain");
}

bool DomainControl::destroy(DomId domain) const {
  for (uint32_t calls = 0; calls < kDestroyCallsMax; ++calls) {
    xen_domctl op = make_domctl(XEN_DOMCTL_destroydomain, domain);
    const int64_t result = dom0_->domctl(op);
    if (result == -ESRCH) return false;
    // A hypervisor may hand an unfinished teardown back to its caller.
    if (result == -EAGAIN || result == -EBUSY || result == -ERESTART) continue;
    must(result, of("destroydomain", domain));
    return true;
  }
  throw ToolstackError(of("destroydomain", domain) + " does not come to an end");
}

void DomainControl::set_memory_map(DomId domain, std::span<const MemoryRange> map) const {
  dom0_->write_buffer(std::as_bytes(map));
  xen_foreign_memory_map argument;
  std::memset(&argument, 0, sizeof argument);
  argument.domid = domain.raw();
  argument.map.nr_entries = static_cast<uint32_t>(map.size());
  set_handle(argument.map.buffer, dom0_->buffer());
  must(dom0_->memory_op(XENMEM_set_memory_map, argument), of("set_memory_map", domain));
}

void DomainControl::set_hvm_param(DomId domain, uint32_t index, uint64_t value) const {
  xen_hvm_param param;
  std::memset(&param, 0, sizeof param);
  param.domid = domain.raw();
  param.index = index;
  param.value = value;
  dom0_->vcpu().write(dom0_->argument(), param);
  must(dom0_->call(__HYPERVISOR_hvm_op, {HVMOP_set_param, dom0_->argument().raw()}), of("hvm_op set_param", domain));
}

uint32_t DomainControl::alloc_unbound_port(DomId domain) const {
  evtchn_alloc_unbound argument;
  std::memset(&argument, 0, sizeof argument);
  argument.dom = domain.raw();
  argument.remote_dom = dom0_->domain().id().raw();
  dom0_->vcpu().write(dom0_->argument(), argument);
  must(dom0_->call(__HYPERVISOR_event_channel_op, {EVTCHNOP_alloc_unbound, dom0_->argument().raw()}),
       of("alloc_unbound", domain));
  return dom0_->vcpu().read<evtchn_alloc_unbound>(dom0_->argument()).port;
}

uint32_t DomainControl::bind_port(DomId domain, uint32_t remote) const {
  evtchn_bind_interdomain argument;
  std::memset(&argument, 0, sizeof argument);
  argument.remote_dom = domain.raw();
  argument.remote_port = remote;
  dom0_->vcpu().write(dom0_->argument(), argument);
  must(dom0_->call(__HYPERVISOR_event_channel_op, {EVTCHNOP_bind_interdomain, dom0_->argument().raw()}),
       of("bind_interdomain", domain));
  return dom0_->vcpu().read<evtchn_bind_interdomain>(dom0_->argument()).local_port;
}

void DomainControl::notify(uint32_t port) const {
  dom0_->vcpu().write(dom0_->argument(), evtchn_send{port});
  must(dom0_->call(__HYPERVISOR_event_channel_op, {EVTCHNOP_send, dom0_->argument().raw()}), "evtchn send");
}

}  // namespace assay::toolstack
