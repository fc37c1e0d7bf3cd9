#include "sim/hosts/simulated_hosts.hpp"

#include <malloc.h>

#include <algorithm>

namespace assay::hosts {

namespace {

/// Records are large and made over and over: memory that one gave back stays for the next, instead of being asked of
/// the kernel again page by page.
void keep_freed_memory() {
  constexpr int kKeptBytes = 256 << 20, kMappedAloneBytes = 32 << 20;
  mallopt(M_MMAP_THRESHOLD, kMappedAloneBytes);
  mallopt(M_TRIM_THRESHOLD, kKeptBytes);
}

}  // namespace

SimulatedHosts::SimulatedHosts(const std::vector<HostOptions>& options) {
  keep_freed_memory();
  for (size_t i = 0; i < options.size(); ++i) {
    hosts_.push_back(std::make_unique<SimulatedHost>(std::string(1, static_cast<char>('a' + i)), options[i]));
  }
}

void SimulatedHosts::begin(uint64_t seed) {
  root_ = Rng(seed);
  for (const auto& host : hosts_) host->begin(stream("host " + host->name()).next());
  meet();
}

void SimulatedHosts::reboot(size_t index) {
  SimulatedHost& again = host(index);
  again.begin(stream("host " + again.name() + " again").next());
  meet();
}

uint64_t SimulatedHosts::now_ns() const {
  uint64_t latest = 0;
  for (const auto& host : hosts_) latest = std::max(latest, host->now_ns());
  return latest;
}

void SimulatedHosts::meet() {
  const uint64_t latest = now_ns();
  for (const auto& host : hosts_) {
    if (host->now_ns() < latest) host->target().pass_time(latest - host->now_ns());
  }
}

void SimulatedHosts::pass_time(uint64_t ns) {
  meet();
  for (const auto& host : hosts_) host->target().pass_time(ns);
}

}  // namespace assay::hosts
