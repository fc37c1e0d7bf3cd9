/// The p2m list of a PV64 guest, which the guest keeps and announces in shared_info. Nothing in it can be trusted.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "sim/abi/xen.hpp"
#include "sim/toolstack/foreign_window.hpp"

namespace assay::migration {

constexpr uint64_t kP2mEntriesPerFrame = kPageSize / sizeof(uint64_t);

struct GuestP2m {
  std::vector<uint64_t> frames;                     ///< machine frames of the list itself, in order
  std::vector<uint64_t> mfns;                       ///< by pfn; kNoFrame for one without memory
  std::vector<std::pair<uint64_t, uint64_t>> pfns;  ///< the reverse: (mfn, pfn), by mfn

  static constexpr uint64_t kNoFrame = ~uint64_t{0};
  [[nodiscard]] std::optional<uint64_t> pfn_of(uint64_t mfn) const;
};

/// Of a domain whose frames are known. Throws ToolstackError when one is there twice.
GuestP2m make_p2m(std::vector<uint64_t> mfns);

/// Finds it by the linear list (p2m_cr3, p2m_vaddr) if the guest has one, by pfn_to_mfn_frame_list_list otherwise.
/// Throws ToolstackError: there is none, it lies outside of the domain's memory, is larger than kPagesMax, or names a
/// frame twice.
GuestP2m read_guest_p2m(toolstack::ForeignWindow& window, DomId domain, const arch_shared_info& info);

}  // namespace assay::migration
