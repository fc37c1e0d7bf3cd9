/// What must hold of every migration, whatever goes wrong in it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/hosts/move.hpp"

namespace assay::hosts {

/// One migration as an oracle sees it.
struct MoveScene {
  SimulatedHosts& hosts;
  SimulatedHost& source;
  SimulatedHost& target;
  BusyDomain& busy;
  const MoveOptions& options;
  const MoveReport& report;
  DomId was;  ///< the domain on the source
  bool source_died = false, target_died = false;
  const migration::RestoredDomain* arrived = nullptr;  ///< once the target has all of it
  std::span<const std::byte> stream{};                 ///< that it was made of
};

/// Each answers with what is wrong, or nothing.
class MoveOracle {
 public:
  virtual ~MoveOracle() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  virtual void before(MoveScene&) {}
  /// The target has all that was sent, the source stands still, and neither runs.
  [[nodiscard]] virtual std::string at_arrival(MoveScene&) { return ""; }
  /// Somebody runs again, or nobody ever will.
  [[nodiscard]] virtual std::string after(MoveScene&) { return ""; }
};

/// One of each, for one migration.
std::vector<std::unique_ptr<MoveOracle>> move_oracles();

}  // namespace assay::hosts
