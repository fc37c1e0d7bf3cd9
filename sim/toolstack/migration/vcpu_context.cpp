#include "sim/toolstack/migration/vcpu_context.hpp"

#include <iterator>

namespace assay::migration {

namespace {

constexpr unsigned kKernelRoot = 3, kUserRoot = 1;  ///< of ctrlreg. Source: public/arch-x86/xen.h.

bool translate_root(unsigned long& root, const TranslateFrame& to) {
  const auto frame = to(xen_cr3_to_pfn(root));
  if (frame) root = xen_pfn_to_cr3(*frame);
  return frame.has_value();
}

}  // namespace

std::string translate_context(vcpu_guest_context& context, uint32_t vcpu, const TranslateFrame& to) {
  if (!translate_root(context.ctrlreg[kKernelRoot], to)) return "ctrlreg[3]";
  if (context.ctrlreg[kUserRoot] != 0 && !translate_root(context.ctrlreg[kUserRoot], to)) return "ctrlreg[1]";
  const uint64_t frames = gdt_frames(context.gdt_ents);
  if (frames > std::size(context.gdt_frames)) return "gdt_ents";
  for (uint64_t i = 0; i < frames; ++i) {
    const auto frame = to(context.gdt_frames[i]);
    if (!frame) return "gdt_frames[" + std::to_string(i) + "]";
    context.gdt_frames[i] = *frame;
  }
  if (vcpu != 0) return "";
  const auto frame = to(context.user_regs.rdx);
  if (!frame) return "rdx, the frame of start_info";
  context.user_regs.rdx = *frame;
  return "";
}

}  // namespace assay::migration
