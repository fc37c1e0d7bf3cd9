/// Two guests that share memory by grants, and where a guest maps what it was granted.
#pragma once

#include "conformance/case.hpp"
#include "conformance/guest/grant_ops.hpp"
#include "conformance/guest/grant_table.hpp"

namespace assay {

/// A place where a guest can map a grant: nothing is there. `host_addr` names it in requests: a virtual address for
/// PV64, a guest physical one for PVH.
struct GrantWindow {
  Gva va;
  uint64_t host_addr;
};
GrantWindow grant_window(CaseContext& c, Vcpu& mapper);
/// Whether nothing is mapped there: a fault (PV64), or what reads where no memory is (PVH).
bool nothing_there(Vcpu& mapper, const GrantWindow& window);

/// Maps and returns the handle; a failure ends the case.
grant_handle_t must_map(CaseContext& c, GrantOps& ops, const GrantMap& in);
/// Unmaps and checks that it worked.
void must_unmap(CaseContext& c, GrantOps& ops, grant_handle_t handle, const GrantWindow& window);
/// One hypercall's result and status field as a check: the call itself must return 0.
template <typename T>
void check_status(CaseContext& c, const Called<T>& done, int16_t expected, std::string_view what) {
  c.check_eq(done.result, 0, std::string(what) + ": result");
  c.check_eq(done.arg.status, expected, std::string(what) + ": status");
}

/// guest() maps what peer() grants: a page that holds kGrantedWord, by a table of version 1 with nothing in it.
struct GrantPair {
  static constexpr uint64_t kGrantedWord = 0x6772'616e'7465'6421;
  static constexpr GrantRef kRef{9};

  explicit GrantPair(CaseContext& context, uint32_t version = 1);
  /// As above with guests of the caller's choice.
  GrantPair(CaseContext& context, Vcpu& mapping, Vcpu& granting, uint32_t version = 1);

  /// kRef permits the mapper to access the page.
  void permit(uint16_t flags = 0) { table.permit(kRef, to(), frame, flags); }
  [[nodiscard]] DomId to() const { return mapper.domain().id(); }
  [[nodiscard]] GrantMap request(uint64_t host_addr, uint32_t flags = GNTMAP_host_map) const {
    return {.host_addr = host_addr, .ref = kRef, .dom = table.dom(), .flags = flags};
  }
  /// Permits, maps at a new window and returns where.
  struct Mapped {
    GrantWindow at;
    grant_handle_t handle;
  };
  Mapped map(uint32_t flags = GNTMAP_host_map);
  void unmap(const Mapped& mapped) { must_unmap(c, ops, mapped.handle, mapped.at); }
  GrantWindow window() { return grant_window(c, mapper); }

  CaseContext& c;
  Vcpu& mapper;
  Vcpu& granter;
  GrantOps ops;      ///< the mapper's
  GrantTable table;  ///< the granter's
  Gva page;          ///< the granter's
  Gfn frame;         ///< its frame as the granter writes it into entries
};

}  // namespace assay
