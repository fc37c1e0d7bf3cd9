/// Xen's own checker of migration streams, which tools/setup takes out of Debian's package.
#pragma once

#include <span>
#include <string>

namespace assay::migration::testing {

/// Why this machine cannot run it; empty when it can.
std::string verifier_missing();
/// What it says of a stream of libxc: nothing when the stream is one.
std::string verifier_complaint(std::span<const std::byte> stream);

}  // namespace assay::migration::testing
