/// What moving domains between simulated hosts costs.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "sim/base/paths.hpp"
#include "sim/hosts/move_case.hpp"
#include "sim/toolstack/error.hpp"

namespace assay::hosts {
namespace {

constexpr uint64_t kPagesPerMiB = 256;

std::vector<HostOptions> two_hosts() {
  HostOptions options;
  options.core = artifact("hv.so");
  return {options, options};
}

LoadOptions busy_load(uint64_t mebibytes) {
  LoadOptions load;
  load.guest.type = GuestType::kPvh;
  load.guest.pages = static_cast<uint32_t>(mebibytes * kPagesPerMiB);
  load.has_traffic = false;
  return load;
}

/// Bytes of pages that are sent, per second: a busy domain of so many MiB moves to and fro, live. No oracle looks on.
void MigrationBytes(benchmark::State& state) {
  SimulatedHosts hosts(two_hosts());
  hosts.begin(1);
  BusyDomain busy(hosts, busy_load(static_cast<uint64_t>(state.range(0))));
  size_t at = 0;
  uint64_t pages = 0;
  const auto go = [&] {
    at = 1 - at;
    const MoveReport report = move(hosts, busy, at, {.is_live = true, .has_oracles = false});
    if (report.end != MoveEnd::kArrived) state.SkipWithError(report.error.c_str());
    pages += report.saved.pages;
  };
  // The first time each machine's memory is touched.
  for (int warm_up = 0; warm_up < 4; ++warm_up) go();
  pages = 0;
  for (auto _ : state) go();
  state.SetItemsProcessed(static_cast<int64_t>(pages * kPageSize));
}

/// Bytes per second from one place to another that are as far apart as those of a move.
void MemoryCopy(benchmark::State& state) {
  const size_t bytes = static_cast<size_t>(state.range(0)) << 20;
  std::vector<char> from(bytes, 1), to(bytes, 2);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), bytes);
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<int64_t>(bytes) * state.iterations());
}

/// A domain of 16 MiB with some pages more, up to the end of so many MiB; between two harvests it writes so many pages.
class Sparse {
 public:
  explicit Sparse(uint64_t mebibytes) : hosts_(two_hosts()), busy_(started(hosts_), busy_load(16)) {
    pages_ = mebibytes * kPagesPerMiB;
    const migration::Tools tools = busy_.host().toolstack().tools();
    constexpr uint64_t kMore = 64;
    std::vector<uint64_t> pfns;
    const uint64_t first = busy_.load().guest.pages;
    for (uint64_t i = 1; i <= kMore; ++i) pfns.push_back(first + (pages_ - first) * i / kMore - 1);
    tools.control.set_max_memory(id(), first + kMore);
    static_cast<void>(tools.control.populate(id(), pfns));
    constexpr uint64_t kBits = 8;
    bitmap_ = tools.dom0.domain().alloc_pages((pages_ / kBits + kPageSize - 1) / kPageSize);
    request(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY);
  }

  void write(uint64_t pages) {
    for (uint64_t page = 0; page < pages; ++page) busy_.memory().write_page(busy_.domain(), page);
  }
  /// How many had become dirty.
  uint64_t harvest() { return request(XEN_DOMCTL_SHADOW_OP_CLEAN); }

 private:
  static SimulatedHosts& started(SimulatedHosts& hosts) {
    hosts.begin(1);
    return hosts;
  }
  [[nodiscard]] DomId id() { return busy_.domain().id(); }
  uint64_t request(uint32_t operation) {
    xen_domctl op = toolstack::make_domctl(XEN_DOMCTL_shadow_op, id());
    op.u.shadow_op.op = operation;
    op.u.shadow_op.pages = pages_;
    toolstack::set_handle(op.u.shadow_op.dirty_bitmap, bitmap_);
    toolstack::must(busy_.host().toolstack().tools().dom0.domctl(op), "shadow_op");
    return op.u.shadow_op.stats.dirty_count;
  }

  SimulatedHosts hosts_;
  BusyDomain busy_;
  uint64_t pages_ = 0;
  Gva bitmap_;
};

/// Harvests per second. Arguments: MiB of the domain, pages that it writes in between.
void LogDirtyHarvest(benchmark::State& state) {
  Sparse domain(static_cast<uint64_t>(state.range(0)));
  const auto dirty = static_cast<uint64_t>(state.range(1));
  domain.harvest();
  for (auto _ : state) {
    state.PauseTiming();
    domain.write(dirty);
    state.ResumeTiming();
    if (domain.harvest() < dirty) state.SkipWithError("too few pages are dirty");
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(MigrationBytes)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(MemoryCopy)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(LogDirtyHarvest)
    ->Args({64, 64})
    ->Args({1024, 64})
    ->Args({8192, 64})
    ->Args({64, 1024})
    ->Args({8192, 1024})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace assay::hosts
