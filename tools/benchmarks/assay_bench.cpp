/// What one operation through the Target interface costs, in process and on the real Xen. tools/bench runs this.
#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "sim/abi/xen.hpp"
#include "sim/base/paths.hpp"
#include "sim/engine/machine_memory.hpp"
#include "sim/target/host/target_host.hpp"
#include "sim/target/xen/target_xen.hpp"

namespace assay {
namespace {

std::unique_ptr<Target> hv_target() {
  HostOptions options;
  options.core = artifact("hv.so");
  return make_host_target(options);
}

std::unique_ptr<Target> xen_target() {
  XenOptions options;
  const char* xen = std::getenv("ASSAY_XEN");
  options.xen = xen == nullptr ? "" : xen;
  options.dom0_image = artifact("agent-dom0.elf");
  options.guest_image = artifact("agent.elf");
  return make_xen_target(options);
}

void xen_version(benchmark::State& state, Target& target) {
  Vcpu& vcpu = target.dom0().vcpu(0);
  for (auto _ : state) {
    if (vcpu.hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}) >> 16 != 4) state.SkipWithError("not a Xen 4");
  }
  state.SetItemsProcessed(state.iterations());
}

void HvXenVersion(benchmark::State& state) {
  const auto target = hv_target();
  target->begin_case(1);
  xen_version(state, *target);
}

void XenXenVersion(benchmark::State& state) {
  const auto target = xen_target();
  target->begin_case(1);
  xen_version(state, *target);
}

/// Two ports of one PV64 guest, bound to each other: a send on one makes the other pending.
class Loopback {
 public:
  explicit Loopback(Vcpu& vcpu) : vcpu_(vcpu), argument_(vcpu.domain().alloc_pages(1)) {
    vcpu.write(argument_, evtchn_alloc_unbound_t{DOMID_SELF, DOMID_SELF, 0});
    call(EVTCHNOP_alloc_unbound);
    const uint32_t receiver = vcpu.read<evtchn_alloc_unbound_t>(argument_).port;
    vcpu.write(argument_, evtchn_bind_interdomain_t{DOMID_SELF, receiver, 0});
    call(EVTCHNOP_bind_interdomain);
    vcpu.write(argument_, evtchn_send_t{vcpu.read<evtchn_bind_interdomain_t>(argument_).local_port});
    const uint64_t word = receiver / 64 * sizeof(uint64_t);
    pending_ = vcpu.domain().shared_info() + offsetof(shared_info_t, evtchn_pending) + word;
    selector_ = vcpu.domain().vcpu_info(0) + offsetof(vcpu_info_t, evtchn_pending_sel);
    clear();
    vcpu.set_upcalls(true);
  }
  int64_t send() { return call(EVTCHNOP_send); }
  void clear() {
    vcpu_.atomic(ASSAY_ATOMIC_XCHG, selector_, 8, 0);
    vcpu_.atomic(ASSAY_ATOMIC_XCHG, pending_, 8, 0);
  }
  uint64_t upcalls() { return vcpu_.upcalls().count; }

 private:
  int64_t call(uint64_t operation) {
    return vcpu_.hypercall(__HYPERVISOR_event_channel_op, {operation, argument_.raw()});
  }
  Vcpu& vcpu_;
  Gva argument_;
  Gva pending_{};
  Gva selector_{};
};

/// Send, upcall taken by the guest, selector and pending bit cleared by the guest: three operations and one upcall.
void HvEventRoundTrip(benchmark::State& state) {
  const auto target = hv_target();
  target->begin_case(1);
  Loopback loop(target->create_guest({}).vcpu(0));
  const uint64_t before = loop.upcalls();
  for (auto _ : state) {
    if (loop.send() != 0) state.SkipWithError("send failed");
    loop.clear();
  }
  if (loop.upcalls() - before != static_cast<uint64_t>(state.iterations())) {
    state.SkipWithError("a send without its upcall");
  }
  state.SetItemsProcessed(state.iterations());
}

/// An IPI port of one PV64 guest with the FIFO ABI.
class FifoPort {
 public:
  explicit FifoPort(Vcpu& vcpu) : vcpu_(vcpu), argument_(vcpu.domain().alloc_pages(1)) {
    Domain& guest = vcpu.domain();
    const Gva block = guest.alloc_pages(1);
    const Gva words = guest.alloc_pages(1);
    vcpu.write(argument_, evtchn_init_control_t{guest.gfn_of(block).raw(), 0, 0, 0, {}});
    call(EVTCHNOP_init_control);
    vcpu.write(argument_, evtchn_expand_array_t{guest.gfn_of(words).raw()});
    call(EVTCHNOP_expand_array);
    vcpu.write(argument_, evtchn_bind_ipi_t{0, 0});
    call(EVTCHNOP_bind_ipi);
    const uint32_t port = vcpu.read<evtchn_bind_ipi_t>(argument_).port;
    vcpu.write(argument_, evtchn_send_t{port});
    word_ = words + port * sizeof(event_word_t);
  }
  int64_t send() { return call(EVTCHNOP_send); }
  [[nodiscard]] event_word_t word() const { return vcpu_.read<event_word_t>(word_); }
  void set_word(event_word_t value) { vcpu_.write(word_, value); }

 private:
  int64_t call(uint64_t operation) {
    return vcpu_.hypercall(__HYPERVISOR_event_channel_op, {operation, argument_.raw()});
  }
  Vcpu& vcpu_;
  Gva argument_;
  Gva word_{};
};

constexpr event_word_t kFifoQueued = 1u << EVTCHN_FIFO_PENDING | 1u << EVTCHN_FIFO_LINKED;

/// Sends to a port that is linked already: the guest has not taken the first event yet, so each further one finds
/// PENDING and LINKED set and changes neither queue nor control block. What a busy receiver's sender pays.
void HvFifoSend(benchmark::State& state) {
  const auto target = hv_target();
  target->begin_case(1);
  FifoPort port(target->create_guest({}).vcpu(0));
  for (auto _ : state) {
    if (port.send() != 0) state.SkipWithError("send failed");
  }
  if (port.word() != kFifoQueued) state.SkipWithError("the event is not queued");
  state.SetItemsProcessed(state.iterations());
}

/// The same to a port that is not linked: each send links it and writes the head. Counts the guest's store that takes
/// it off again as well, so it is a lower bound.
void HvFifoSendUnlinked(benchmark::State& state) {
  const auto target = hv_target();
  target->begin_case(1);
  FifoPort port(target->create_guest({}).vcpu(0));
  for (auto _ : state) {
    port.set_word(0);
    if (port.send() != 0) state.SkipWithError("send failed");
  }
  if (port.word() != kFifoQueued) state.SkipWithError("the event is not queued");
  state.SetItemsProcessed(state.iterations());
}

/// One PV64 guest maps pages that another grants to it.
class GrantMapper {
 public:
  static constexpr uint32_t kBatchMax = 64;

  GrantMapper(Vcpu& mapper, Vcpu& granter) : vcpu_(mapper), maps_(alloc(mapper)), unmaps_(alloc(mapper)) {
    Domain& theirs = granter.domain();
    const Gva argument = theirs.alloc_pages(1);
    const Gva frames = argument + kPageSize / 2;
    gnttab_setup_table_t setup{};
    setup.dom = DOMID_SELF;
    setup.nr_frames = 1;
    set_xen_guest_handle_raw(setup.frame_list, reinterpret_cast<xen_pfn_t*>(frames.raw()));
    granter.write(argument, setup);
    granter.hypercall(__HYPERVISOR_grant_table_op, {GNTTABOP_setup_table, argument.raw(), 1});
    const Gva table = theirs.alloc_pages(1);
    const uint64_t entry = granter.read<uint64_t>(frames) << kPageShift | kLeaf;
    granter.hypercall(__HYPERVISOR_update_va_mapping, {table.raw(), entry, UVMF_INVLPG | UVMF_LOCAL});
    for (uint32_t i = 0; i < kBatchMax; ++i) {
      const auto frame = static_cast<uint32_t>(theirs.gfn_of(theirs.alloc_pages(1)).raw());
      granter.write(table + (kFirstRef + i) * sizeof(grant_entry_v1_t),
                    grant_entry_v1_t{GTF_permit_access, mapper.domain().id().raw(), frame});
      const Gva place = mapper.domain().alloc_pages(1);
      mapper.hypercall(__HYPERVISOR_update_va_mapping, {place.raw(), 0, UVMF_INVLPG | UVMF_LOCAL});
      requests_[i] = {place.raw(), GNTMAP_host_map, kFirstRef + i, theirs.id().raw(), 0, 0, 0};
    }
  }

  /// Maps `count` grants with one hypercall and unmaps them with another.
  bool map_unmap(uint32_t count) {
    vcpu_.write_bytes(maps_, std::as_bytes(std::span(requests_).first(count)));
    if (call(GNTTABOP_map_grant_ref, maps_, count) != 0) return false;
    vcpu_.read_bytes(maps_, std::as_writable_bytes(std::span(requests_).first(count)));
    for (uint32_t i = 0; i < count; ++i) undo_[i] = {requests_[i].host_addr, 0, requests_[i].handle, 0};
    vcpu_.write_bytes(unmaps_, std::as_bytes(std::span(undo_).first(count)));
    if (call(GNTTABOP_unmap_grant_ref, unmaps_, count) != 0) return false;
    const auto last = vcpu_.read<gnttab_unmap_grant_ref_t>(unmaps_ + (count - 1) * sizeof undo_[0]);
    return requests_[count - 1].status == GNTST_okay && last.status == GNTST_okay;
  }

 private:
  static constexpr uint64_t kLeaf = 0x67;  // present, writable, user, accessed, dirty
  static constexpr uint32_t kFirstRef = GNTTAB_NR_RESERVED_ENTRIES;
  static Gva alloc(Vcpu& vcpu) {
    return vcpu.domain().alloc_pages((kBatchMax * sizeof(gnttab_map_grant_ref_t) + kPageSize - 1) / kPageSize);
  }
  int64_t call(uint32_t command, Gva argument, uint32_t count) {
    return vcpu_.hypercall(__HYPERVISOR_grant_table_op, {command, argument.raw(), count});
  }
  Vcpu& vcpu_;
  Gva maps_, unmaps_;
  std::array<gnttab_map_grant_ref_t, kBatchMax> requests_{};
  std::array<gnttab_unmap_grant_ref_t, kBatchMax> undo_{};
};

/// Pairs of map and unmap, `range(0)` of them in each hypercall; the guest's own stores and loads of arguments count.
void HvGrantMapUnmap(benchmark::State& state) {
  const auto target = hv_target();
  target->begin_case(1);
  Vcpu& granter = target->create_guest({}).vcpu(0);
  GrantMapper mapper(target->create_guest({}).vcpu(0), granter);
  const auto count = static_cast<uint32_t>(state.range(0));
  for (auto _ : state) {
    if (!mapper.map_unmap(count)) state.SkipWithError("a mapping failed");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// Frozen memory of `mib` MiB, of which every page holds something.
class FrozenMemory {
 public:
  explicit FrozenMemory(int64_t mib) : memory_(kAddress, static_cast<uint64_t>(mib) << 20) {
    for (uint64_t page = 0; page < pages(); ++page) memory_.data()[page * kPageSize] = 1;
    memory_.freeze();
  }
  /// Writes to `count` pages, apart from each other as far as there is room.
  void write(uint64_t count) {
    const uint64_t stride = pages() / count;
    for (uint64_t i = 0; i < count; ++i) ++memory_.data()[i * stride * kPageSize + i % kPageSize];
  }
  MachineMemory& operator*() { return memory_; }

 private:
  static constexpr uintptr_t kAddress = 0x180000000000;
  [[nodiscard]] uint64_t pages() const { return memory_.bytes() / kPageSize; }
  MachineMemory memory_;
};

/// One iteration writes to `pages` pages and goes back to a moment that is not the frozen one.
void go_back(benchmark::State& state, int64_t mib, uint64_t pages) {
  FrozenMemory memory(mib);
  memory.write(pages);
  const MachineMemory::Moment moment = (*memory).take();
  for (auto _ : state) {
    memory.write(pages);
    (*memory).go_back(moment);
  }
  state.SetItemsProcessed(state.iterations());
}

void GoBack(benchmark::State& state) {
  constexpr uint64_t kPages = 16;
  go_back(state, state.range(0), kPages);
}

void GoBackDirty(benchmark::State& state) {
  constexpr int64_t kMib = 256;
  go_back(state, kMib, static_cast<uint64_t>(state.range(0)));
}

/// One iteration writes to 16 pages and takes a moment, which is kept until the end.
void TakeMoment(benchmark::State& state) {
  constexpr uint64_t kPages = 16;
  FrozenMemory memory(state.range(0));
  std::vector<MachineMemory::Moment> moments;
  for (auto _ : state) {
    memory.write(kPages);
    moments.push_back((*memory).take());
  }
  state.SetItemsProcessed(state.iterations());
}

/// What a case begins with: a booted hv and its toolstack as they were, after a case that has built a guest.
void HvRewind(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  const auto target = hv_target();
  for (auto _ : state) {
    target->begin_case(1);
    target->create_guest({});
    const Clock::time_point start = Clock::now();
    target->begin_case(1);
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
  state.SetItemsProcessed(state.iterations());
}

/// A case that does nothing but build a guest: the rewind, and the faults of what is written after it.
void HvGuestCase(benchmark::State& state) {
  const auto target = hv_target();
  for (auto _ : state) {
    target->begin_case(1);
    target->create_guest({});
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(GoBack)->Arg(16)->Arg(256)->Arg(1024);
BENCHMARK(GoBackDirty)->Arg(1)->Arg(16)->Arg(256)->Arg(4096);
BENCHMARK(TakeMoment)->Arg(256)->Iterations(10'000);
BENCHMARK(HvRewind)->UseManualTime();
BENCHMARK(HvGuestCase);
BENCHMARK(HvXenVersion);
BENCHMARK(HvGrantMapUnmap)->Arg(1)->Arg(GrantMapper::kBatchMax);
BENCHMARK(HvFifoSend);
BENCHMARK(HvFifoSendUnlinked);
BENCHMARK(HvEventRoundTrip);
BENCHMARK(XenXenVersion);

}  // namespace
}  // namespace assay

BENCHMARK_MAIN();
