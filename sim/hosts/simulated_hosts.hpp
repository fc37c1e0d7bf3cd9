/// Several hosts in one simulation, on one virtual clock, all of it decided by one seed.
#pragma once

#include <memory>
#include <vector>

#include "sim/engine/rng.hpp"
#include "sim/hosts/simulated_host.hpp"

namespace assay::hosts {

/// Hosts act one after the other. Each machine has its own clock, and none of them is ever ahead of another one at a
/// moment when they could tell: before something passes between hosts, meet() lets those behind catch up.
class SimulatedHosts {
 public:
  /// One for each of `options`, named "a", "b" and so on; their cores may differ.
  explicit SimulatedHosts(const std::vector<HostOptions>& options);

  void begin(uint64_t seed);
  /// One of them, which had died, is a fresh machine.
  void reboot(size_t index);
  [[nodiscard]] size_t count() const { return hosts_.size(); }
  [[nodiscard]] SimulatedHost& host(size_t index) { return *hosts_.at(index); }
  /// A stream of random numbers that depends on the seed and the name alone.
  [[nodiscard]] Rng stream(std::string_view name) const { return root_.fork(name); }

  /// A copy of what passed between two hosts in a move; it stays where it is for the next one, as it is large.
  [[nodiscard]] std::vector<std::byte>& passed() { return passed_; }

  /// Of the host that is furthest.
  [[nodiscard]] uint64_t now_ns() const;
  /// All clocks stand where the furthest one does, or a little later: what a guest was in the middle of.
  void meet();
  /// For all hosts alike.
  void pass_time(uint64_t ns);

 private:
  std::vector<std::unique_ptr<SimulatedHost>> hosts_;
  Rng root_{0};
  std::vector<std::byte> passed_;
};

}  // namespace assay::hosts
