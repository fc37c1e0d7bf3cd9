/// The CPUID leaves of the machine itself, below and above the hypervisor's.
#include <algorithm>

#include "conformance/case.hpp"

namespace assay {
namespace {

using Leaf = std::array<uint32_t, 4>;
constexpr size_t kEax = 0, kEbx = 1, kEcx = 2, kEdx = 3;
constexpr uint32_t kExtended = 0x8000'0000;

Leaf leaf(CaseContext& c, uint32_t index) {
  const auto answer = c.vcpu().cpuid(index);
  c.require(answer.ok(), "CPUID leaf " + show(index) + " answers");
  return answer.value;
}

const Case kBasic{{
    .slug = "cpuid.basic.vendor_and_limit",
    .rule = "Leaf 0 has the number of the last basic leaf and a vendor; what is beyond reads as zeros.",
    .source = "the processor's manual, CPUID",
    .requirements = {"CPUID-010"},
    .body =
        [](CaseContext& c) {
          const Leaf first = leaf(c, 0);
          c.check(first[kEax] >= 1, "there is a leaf 1");
          c.check(first[kEbx] != 0 && first[kEcx] != 0 && first[kEdx] != 0, "a vendor of twelve letters");
          c.check(leaf(c, first[kEax] + 1) == Leaf{}, "beyond the last");
        },
}};

const Case kExtendedLeaves{{
    .slug = "cpuid.extended.long_mode_name_and_widths",
    .rule =
        "The extended leaves say that there is long mode, what the processor is called, and how wide addresses are.",
    .source = "the processor's manual, CPUID",
    .requirements = {"CPUID-011"},
    .body =
        [](CaseContext& c) {
          const uint32_t last = leaf(c, kExtended)[kEax];
          c.require(last >= kExtended + 8 && last < kExtended + 0x100, "there is a leaf of address widths");
          constexpr uint32_t kLongMode = 1u << 29, kSystemCall = 1u << 11;
          c.check_eq(leaf(c, kExtended + 1)[kEdx] & (kLongMode | kSystemCall), kLongMode | kSystemCall,
                     "long mode, syscall");
          for (const uint32_t part : {2u, 3u, 4u}) leaf(c, kExtended + part);
          c.check(leaf(c, kExtended + 2) != Leaf{}, "a name");
          const uint32_t widths = leaf(c, kExtended + 8)[kEax];
          c.check((widths & 0xff) >= 32 && (widths & 0xff) <= 52, "width of physical addresses");
          c.check_eq(widths >> 8 & 0xff, 48, "width of linear addresses");
          c.check(leaf(c, last + 1) == Leaf{}, "beyond the last");
        },
}};

}  // namespace
}  // namespace assay
