/// Guest virtual addresses that no hypercall may follow: each must give EFAULT (or a short count), never harm.
#pragma once

#include <span>
#include <string_view>

#include "sim/target/target.hpp"

namespace assay {

struct BadPointer {
  std::string_view what;
  Gva va;
};

/// Addresses that a guest of this type can neither read nor write.
std::span<const BadPointer> bad_pointers(GuestType type);
/// Whether `va` can be no address of a guest's at all: PV64 guests have none between the halves of the canonical space,
/// nor where the hypervisor lives. Such a pointer is refused before anything is done; an HVM guest has none.
/// Source: public/arch-x86/xen-x86_64.h, HYPERVISOR_VIRT_START.
bool beyond_guest_space(GuestType type, Gva va);
/// The plainest of the bad pointers.
Gva bad_pointer(GuestType type);

}  // namespace assay
