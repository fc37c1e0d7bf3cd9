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
/// The plainest of them.
Gva bad_pointer(GuestType type);

}  // namespace assay
