/// Reads memory of a domain in the form that a stream has.
#pragma once

#include <vector>

#include "sim/toolstack/migration/guest_p2m.hpp"
#include "sim/toolstack/migration/saver.hpp"
#include "sim/toolstack/migration/state_control.hpp"

namespace assay::migration {

class PageReader {
 public:
  /// `p2m` is that of a PV domain; null for an HVM domain, whose frames go by their gfns.
  PageReader(const Tools& tools, DomId domain, const GuestP2m* p2m)
      : tools_(tools), control_(tools.dom0, domain), domain_(domain), p2m_(p2m) {}

  /// Those of `pfns` that there is memory behind; page tables lead to pfns. Throws ToolstackError.
  /// What they hold lies in `room` then, which is for the next time, too.
  [[nodiscard]] PageData read(std::span<const uint64_t> pfns, PageRoom& room) const;
  /// Behind which of them there is memory, by pfn; `pfns` ascend. Throws ToolstackError.
  [[nodiscard]] std::vector<bool> present(std::span<const uint64_t> pfns) const;

 private:
  struct Page {
    PageEntry entry;
    uint64_t frame = 0;
  };
  [[nodiscard]] std::vector<Page> describe(std::span<const uint64_t> pfns) const;
  [[nodiscard]] std::optional<uint64_t> frame_of(uint64_t pfn) const;
  void normalise(const PageEntry& page, std::span<std::byte> content) const;

  Tools tools_;
  StateControl control_;
  DomId domain_;
  const GuestP2m* p2m_;
};

}  // namespace assay::migration
