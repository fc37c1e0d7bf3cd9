/// The privileged domain's own page tables, which a PV guest may read.
#pragma once

#include <span>
#include <vector>

#include "sim/target/target.hpp"

namespace assay::toolstack {

/// Finds table frames through the M2P (0xffff800000000000, mapped read-only into every PV64 guest) and the linear map
/// of the domain's memory, where page tables are mapped read-only. Source: public/arch-x86/xen-x86_64.h.
class OwnPageTables {
 public:
  explicit OwnPageTables(Domain& domain) : domain_(&domain) {}

  /// The machine frames mapped at `count` pages from `va` on: what the hypervisor made of the frames that were asked
  /// for. Throws ToolstackError when a page is not mapped or a table cannot be read.
  [[nodiscard]] std::vector<Mfn> frames_at(Gva va, uint64_t count) const;

 private:
  [[nodiscard]] uint64_t read(Gva va) const;
  void read(Gva va, std::span<uint64_t> values) const;
  /// Where the L1 entry that maps `va` can be read.
  [[nodiscard]] Gva l1_entry(Gva va) const;
  [[nodiscard]] Gva table_of(uint64_t entry) const;
  Domain* domain_;
};

}  // namespace assay::toolstack
