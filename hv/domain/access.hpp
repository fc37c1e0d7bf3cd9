/// Who a domid means and who may act on whom: the rules of a system without an access control module.
#pragma once

#include "hv/domain/domain.hpp"

namespace hv {

/// DOMID_SELF or an id. Null: no such domain.
inline Domain* domain_by_any_id(Domain& caller, uint16_t id) {
  return id == DOMID_SELF ? &caller : domain_by_id(DomId{id});
}

/// Control domain: domctl, sysctl.
inline bool is_control(const Domain& caller) {
  return caller.privileged;
}

/// As its device model, or as a control domain.
inline bool may_emulate_for(const Domain& caller, const Domain& target) {
  return caller.target_of == target.id || is_control(caller);
}

/// On itself, too.
inline bool may_act_on(const Domain& caller, const Domain& target) {
  return &caller == &target || may_emulate_for(caller, target);
}

}  // namespace hv
