#include "hv/domain/domain_list.hpp"

#include "hv/base/host.hpp"
#include "hv/domain/lifecycle.hpp"

namespace hv {

void domains_init() {
  domain_list() = DomainList{};
}

Domain* first_domain() {
  Domain* head = domain_list().head;
  return head != nullptr && head->privileged ? head : nullptr;
}

DomId pick_domain_id() {
  DomainList& list = domain_list();
  uint16_t id = list.id_cursor;
  for (uint32_t tries = 1; tries < DOMID_FIRST_RESERVED; ++tries) {
    id = id + 1 == DOMID_FIRST_RESERVED ? uint16_t{1} : static_cast<uint16_t>(id + 1);
    if (domain_by_id(DomId{id}) != nullptr) continue;
    list.id_cursor = id;
    return DomId{id};
  }
  return DomId{0};
}

void list_domain(Domain& domain) {
  Domain** place = &domain_list().head;
  while (*place != nullptr && (*place)->id < domain.id) place = &(*place)->next;
  HV_ASSERT(*place == nullptr || (*place)->id != domain.id);
  domain.next = *place;
  *place = &domain;
}

void unlist_domain(Domain& domain) {
  Domain** place = &domain_list().head;
  while (*place != nullptr && *place != &domain) place = &(*place)->next;
  HV_ASSERT(*place == &domain);
  *place = domain.next;
  domain.next = nullptr;
}

}  // namespace hv
