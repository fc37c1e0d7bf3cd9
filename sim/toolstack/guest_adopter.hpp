/// What a target can do besides being one: take a domain over that a toolstack of its privileged domain restored.
#pragma once

#include "sim/toolstack/toolstack.hpp"

namespace assay {

class GuestAdopter {
 public:
  virtual ~GuestAdopter() = default;
  /// The domain runs the agent, and has been unpaused. It suspended itself in an operation of vCPU 0, whose reply is
  /// what that vCPU does first: it is in flight. As for create_guest, `built` says where it is, and the reference
  /// stays valid until begin_case or destroy_guest. `was`: the guest that it was, if that is still here, suspended;
  /// without it not every target can know what the guest was in the middle of.
  virtual Domain& adopt_guest(const BuiltGuest& built, GuestType type, const Domain* was = nullptr) = 0;
};

}  // namespace assay
