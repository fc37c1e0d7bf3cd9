/// A target as the runner knows it, whose guests only those know who play on it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/target/target.hpp"

namespace assay {

/// It has a name: what a case would do with it is a HarnessFault.
class TargetOfItsOwn : public Target {
 public:
  void begin_case(uint64_t) override { none(); }
  Domain& dom0() override { none(); }
  Domain& create_guest(const GuestSpec&) override { none(); }
  void destroy_guest(Domain&) override { none(); }
  Vcpu& attach_vcpu(Domain&, uint32_t) override { none(); }
  void pass_time(uint64_t) override { none(); }
  [[nodiscard]] uint64_t patience_ns() const override { return kPatienceNs; }
  std::string console() override { return ""; }
  void type_console(std::string_view) override { none(); }
  [[nodiscard]] uint64_t digest() const override { return 0; }
  std::string audit() override { return ""; }
  [[nodiscard]] uint32_t boots() const override { return 0; }
  std::string evidence() override { return ""; }

 private:
  [[noreturn]] static void none() { throw HarnessFault("this target has guests of its own"); }
};

}  // namespace assay
