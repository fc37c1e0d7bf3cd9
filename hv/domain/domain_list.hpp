/// The domains that exist, in ascending order of their ids, and what is decided once for all of them.
#pragma once

#include <array>

#include "hv/domain/domain.hpp"

namespace hv {

struct DomainList {
  Lock control_lock;  ///< domctl: one operation at a time, as most of them stop a domain and then change it
  Domain* head = nullptr;
  uint16_t id_cursor = 0;          ///< the id handed out last
  uint32_t grant_frames_max = 64;  ///< most that a new domain may ask for
  uint32_t maptrack_frames_max = 1024;
  bool suspending = false;                        ///< the machine is on its way to sleep
  bool dead_wait = false;                         ///< for the last references to their frames to go
  std::array<Domain*, NR_VIRQS> virq_handlers{};  ///< null: the first domain
};

DomainList& domain_list();

/// The next free id after the one handed out last, never 0. DomId{0}: none.
DomId pick_domain_id();
void list_domain(Domain& domain);
void unlist_domain(Domain& domain);

}  // namespace hv
