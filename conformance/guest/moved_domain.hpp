/// A guest that suspends itself, and the fresh domain that a toolstack makes of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"

namespace assay {

/// guest() of the case is suspended and saved when this is made, and stays so as long as this is there. The fresh
/// domain is paused, has its memory and its state, and goes with this. What the hypervisor refuses ends the case.
class MovedDomain {
 public:
  explicit MovedDomain(CaseContext& c);
  ~MovedDomain();
  MovedDomain(const MovedDomain&) = delete;
  MovedDomain& operator=(const MovedDomain&) = delete;

  /// Of the fresh domain.
  [[nodiscard]] DomId id() const;
  /// State that the hypervisor has no operation for, by the names of its records.
  [[nodiscard]] const std::vector<std::string>& left_out() const;
  /// PVH. Empty: every page of the fresh domain is as it was saved; otherwise which are not.
  [[nodiscard]] std::string memory_difference() const;
  /// The fresh domain runs, and is a guest like others; the suspended one stands still. Ends the case where the target
  /// cannot take a domain over that it has not built. Returns the guest once its call says that it was moved.
  Domain& run();
  /// The suspended guest goes on where it is. Returns whether its call says that it was not moved.
  bool cancel();

 private:
  struct Parts;
  CaseContext& c_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace assay
