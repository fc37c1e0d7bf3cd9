/// The bundled core with guests, booted once; every input begins where that ended.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "sim/target/host/target_host.hpp"

namespace assay::fuzz {

class Stage {
 public:
  /// Makes guests and whatever else inputs begin with.
  using Prepare = std::function<void(HostTarget& target)>;
  explicit Stage(Prepare prepare);

  /// Back to the beginning. True: what Prepare made is as it was; false: it had to be made anew.
  bool reset();
  [[nodiscard]] HostTarget& target() { return *target_; }

  /// After an input: what must hold of any core. `input` decides how thoroughly it is looked at, as that takes long.
  void check(std::string_view input);

 private:
  void prepare();

  std::unique_ptr<HostTarget> target_;
  Prepare prepare_;
  std::unique_ptr<HostTarget::Moment> moment_;
};

/// True for one input in `count`, always the same.
bool is_one_in(std::string_view input, uint64_t count);

}  // namespace assay::fuzz
