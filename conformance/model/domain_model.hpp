/// Domains that a toolstack makes, changes and destroys; their vCPUs never run.
///
/// Sources: the requirements DOM-CREATE, -LIFE and -INFO, MEM-RES and EVTCHN-ALLOC.
#pragma once

#include <cstdint>
#include <map>
#include <set>

namespace assay::model {

class DomainModel {
 public:
  struct Domain {
    bool is_pvh = false;
    uint32_t pauses = 1;  ///< by the toolstack; it is made paused
    bool has_vcpus = false;
    uint64_t limit = 0;  ///< pages that it may have
    uint64_t pages = 0;
    std::set<uint32_t> populated;  ///< pseudo-physical frames
    uint8_t handle = 0;            ///< each of its bytes
    uint32_t ports = 0;            ///< allocated; numbers from 1 on
  };

  DomainModel(uint32_t vcpus, uint64_t first_limit) : vcpus_(vcpus), first_limit_(first_limit) {}
  [[nodiscard]] const std::map<uint32_t, Domain>& domains() const { return domains_; }
  [[nodiscard]] const Domain* find(uint32_t id) const;

  int64_t create(uint32_t id, bool is_pvh);
  int64_t destroy(uint32_t id);
  int64_t pause(uint32_t id);
  int64_t unpause(uint32_t id);
  int64_t max_vcpus(uint32_t id, uint32_t count);
  int64_t set_limit(uint32_t id, uint64_t pages);
  int64_t set_handle(uint32_t id, uint8_t byte);
  /// Extents dealt with.
  int64_t populate(uint32_t id, uint32_t pfn, uint32_t count);
  int64_t decrease(uint32_t id, uint32_t pfn, uint32_t count);
  /// On success the port is domain's `ports`.
  int64_t alloc_unbound(uint32_t id);
  [[nodiscard]] int64_t vcpu_info(uint32_t id, uint32_t vcpu) const;

 private:
  static constexpr uint32_t kPausesMax = 255;
  Domain* find(uint32_t id);

  uint32_t vcpus_;
  uint64_t first_limit_;
  std::map<uint32_t, Domain> domains_;
};

}  // namespace assay::model
