/// A restored domain as somebody who knows the guest that was saved sees it.
#pragma once

#include <span>

#include "sim/toolstack/migration/restorer.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {

/// `space` is that of the guest that was saved: the same image lies at the same pfns.
/// Throws ToolstackError when it cannot be found out where its mailboxes are.
BuiltGuest moved_guest(const Tools& tools, const RestoredDomain& restored, const GuestSpace& space, uint32_t vcpus);

/// Machine frames behind some of its frames, at most those of one window.
std::vector<Mfn> machine_frames(const Tools& tools, const RestoredDomain& restored, std::span<const uint64_t> frames);

}  // namespace assay::migration
