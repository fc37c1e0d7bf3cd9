/// The targets of this folder on the bundled core, for fuzzers.
#include <utility>

#include "fuzz/targets/fuzz_target.hpp"
#include "fuzz/targets/guests/guest_target.hpp"
#include "sim/base/paths.hpp"

namespace assay::fuzz {
namespace {

HostOptions small_machine() {
  HostOptions options;
  options.core = artifact("hv.so");
  options.pcpus = 4;
  options.memory_bytes = 64ull << 20;
  options.dom0_bytes = 32ull << 20;
  options.claimed = {Capability::kTwoGuests};
  return options;
}

/// A core that is booted once.
struct Booted {
  explicit Booted(const GuestTarget& target) : core(make_host_target(small_machine())), player(target.begin(*core)) {}
  std::unique_ptr<HostTarget> core;
  std::unique_ptr<InputPlayer> player;
};

void play(const GuestTarget& target, InputPlayer& player, std::string_view input) {
  try {
    player.play(input, Care::kUsual);
  } catch (const Broken& broken) {
    must(false, broken.what() + ("; " + target.show(input)));
  } catch (const TargetDied& died) {
    must(false, std::string("the core died: ") + died.what());
  }
}

constexpr size_t kTargets = kGuestTargets + 1;

const GuestTarget& target_of(size_t index) {
  static const GuestTarget restore = restore_target();
  return index < kGuestTargets ? guest_targets().at(index) : restore;
}

template <size_t kIndex>
void run(std::string_view input) {
  const GuestTarget& target = target_of(kIndex);
  if (target.is_for_pvh(input)) {
    static const Booted pvh(target);
    return play(target, *pvh.player, input);
  }
  static const Booted pv(target);
  play(target, *pv.player, input);
}

template <size_t kIndex>
FuzzTarget fuzz_target() {
  const GuestTarget& target = target_of(kIndex);
  return FuzzTarget({.name = target.name,
                     .reads = target.reads,
                     .run = run<kIndex>,
                     .bytes_max = target.bytes_max(),
                     .mutate = target.mutate,
                     .cross = target.cross});
}

template <size_t... kIndex>
std::array<FuzzTarget, kTargets> register_all(std::index_sequence<kIndex...>) {
  return {fuzz_target<kIndex>()...};
}

const auto kRegistered = register_all(std::make_index_sequence<kTargets>());

}  // namespace
}  // namespace assay::fuzz
