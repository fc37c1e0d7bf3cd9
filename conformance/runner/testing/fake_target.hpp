/// A target without a hypervisor: the bodies of test cases do to it, and to their process, what subjects do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conformance/runner/variants.hpp"
#include "conformance/runner/worker_main.hpp"

namespace assay::testing_support {

class FakeTarget : public Target {
 public:
  explicit FakeTarget(std::vector<Capability> capabilities = {Capability::kDom0, Capability::kVirtualTime})
      : info_{"fake", "Fake", "1.0", std::move(capabilities)} {}
  [[nodiscard]] const TargetInfo& info() const override { return info_; }
  void begin_case(uint64_t seed) override { seed_ = seed; }
  Domain& dom0() override { throw HarnessFault("the fake target has no dom0"); }
  Domain& create_guest(const GuestSpec&) override { throw HarnessFault("the fake target has no guests"); }
  void destroy_guest(Domain&) override {}
  Vcpu& attach_vcpu(Domain&, uint32_t) override { throw HarnessFault("the fake target has no vcpus"); }
  void pass_time(uint64_t) override {}
  [[nodiscard]] uint64_t patience_ns() const override { return 1; }
  std::string console() override { return "console \xff\x01 of the fake"; }
  void type_console(std::string_view) override {}
  [[nodiscard]] uint64_t digest() const override { return seed_ * 3; }
  std::string audit() override { return audit_; }
  [[nodiscard]] uint32_t boots() const override { return 0; }
  std::string evidence() override { return "registers of the fake"; }

  void set_audit(std::string text) { audit_ = std::move(text); }

 private:
  TargetInfo info_;
  uint64_t seed_ = 0;
  std::string audit_;
};

inline std::unique_ptr<Target> make_fake() {
  return std::make_unique<FakeTarget>();
}

/// One whose time is the host's.
inline std::unique_ptr<Target> make_unsteady_fake() {
  return std::make_unique<FakeTarget>(std::vector<Capability>{Capability::kDom0});
}

/// A case on dom0 with this body, as a variant of its own.
inline Variant variant_of(std::string_view slug, void (*body)(CaseContext&), std::vector<Capability> needs = {}) {
  CaseSpec spec{.slug = slug, .rule = "a rule <&>", .source = "a source", .requirements = {"VER-001"}};
  spec.guests = GuestTypes::kDom0;
  spec.needs = std::move(needs);
  spec.body = body;
  return variants_of({{spec, "somewhere.cpp", 1}}).front();
}

inline void passes(CaseContext& c) {
  c.check_eq(1, 1, "one");
}
inline void fails(CaseContext& c) {
  c.check_eq(-22, 0, "result");
}

}  // namespace assay::testing_support
