/// A core with guests, from which every input begins.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "fuzz/targets/guests/guest_target.hpp"
#include "sim/target/host/target_host.hpp"

namespace assay::fuzz {

class Stage {
 public:
  /// Makes guests and whatever else inputs begin with.
  using Prepare = std::function<void(HostTarget& target)>;
  Stage(HostTarget& target, Prepare prepare);

  /// Back to the beginning. True: what Prepare made is as it was; false: it had to be made anew.
  bool reset();

  /// After an input: what must hold of any core, or Broken is thrown.
  void check(std::string_view input, Care care);

 private:
  void prepare();

  HostTarget& target_;
  Prepare prepare_;
  std::unique_ptr<HostTarget::Moment> moment_;
};

/// True for one input in `count`, always the same; for each with all care.
bool is_looked_at(std::string_view input, uint64_t count, Care care);

}  // namespace assay::fuzz
