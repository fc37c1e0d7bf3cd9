#include "conformance/model/domain_model.hpp"

#include "sim/abi/xen.hpp"

namespace assay::model {

const DomainModel::Domain* DomainModel::find(uint32_t id) const {
  const auto found = domains_.find(id);
  return found == domains_.end() ? nullptr : &found->second;
}

DomainModel::Domain* DomainModel::find(uint32_t id) {
  const auto found = domains_.find(id);
  return found == domains_.end() ? nullptr : &found->second;
}

int64_t DomainModel::create(uint32_t id, bool is_pvh) {
  if (find(id) != nullptr) return -XEN_EEXIST;
  domains_[id] = {.is_pvh = is_pvh, .limit = first_limit_, .populated = {}};
  return 0;
}

int64_t DomainModel::destroy(uint32_t id) {
  return domains_.erase(id) != 0 ? 0 : -XEN_ESRCH;
}

int64_t DomainModel::pause(uint32_t id) {
  Domain* const domain = find(id);
  if (domain == nullptr) return -XEN_ESRCH;
  if (domain->pauses >= kPausesMax) return -XEN_EOVERFLOW;
  ++domain->pauses;
  return 0;
}

int64_t DomainModel::unpause(uint32_t id) {
  Domain* const domain = find(id);
  if (domain == nullptr) return -XEN_ESRCH;
  if (domain->pauses == 0) return -XEN_EINVAL;
  --domain->pauses;
  return 0;
}

int64_t DomainModel::max_vcpus(uint32_t id, uint32_t count) {
  Domain* const domain = find(id);
  if (domain == nullptr) return -XEN_ESRCH;
  if (count != vcpus_) return -XEN_EINVAL;
  domain->has_vcpus = true;
  return 0;
}

int64_t DomainModel::set_limit(uint32_t id, uint64_t pages) {
  Domain* const domain = find(id);
  if (domain == nullptr) return -XEN_ESRCH;
  domain->limit = pages;
  return 0;
}

int64_t DomainModel::set_handle(uint32_t id, uint8_t byte) {
  Domain* const domain = find(id);
  if (domain == nullptr) return -XEN_ESRCH;
  domain->handle = byte;
  return 0;
}

int64_t DomainModel::populate(uint32_t id, uint32_t pfn, uint32_t count) {
  Domain* const domain = find(id);
  if (domain == nullptr) return 0;
  uint32_t done = 0;
  for (; done < count && domain->pages < domain->limit; ++done) {
    ++domain->pages;
    domain->populated.insert(pfn + done);
  }
  return done;
}

int64_t DomainModel::decrease(uint32_t id, uint32_t pfn, uint32_t count) {
  Domain* const domain = find(id);
  if (domain == nullptr) return 0;
  uint32_t done = 0;
  for (; done < count && domain->populated.erase(pfn + done) != 0; ++done) --domain->pages;
  return done;
}

int64_t DomainModel::alloc_unbound(uint32_t id) {
  Domain* const domain = find(id);
  if (domain == nullptr) return -XEN_ESRCH;
  ++domain->ports;
  return 0;
}

int64_t DomainModel::vcpu_info(uint32_t id, uint32_t vcpu) const {
  const Domain* const domain = find(id);
  if (domain == nullptr) return -XEN_ESRCH;
  if (vcpu >= vcpus_) return -XEN_EINVAL;
  return domain->has_vcpus ? 0 : -XEN_ESRCH;
}

}  // namespace assay::model
