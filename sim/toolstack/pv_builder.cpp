#include "sim/abi/xen.hpp"
#include "sim/toolstack/boot_data.hpp"
#include "sim/toolstack/guest_builder.hpp"
#include "sim/toolstack/shared_info.hpp"
#include "sim/toolstack/toolstack.hpp"
#include "sim/toolstack/vcpu_state.hpp"

namespace assay::toolstack {

namespace {

MailboxFrames mailboxes(const Builder& builder, const MemoryPlan& plan, const std::vector<uint64_t>& p2m) {
  MailboxFrames all;
  for (uint32_t vcpu = 0; vcpu < agent_vcpus(builder.spec); ++vcpu) {
    std::vector<Mfn>& frames = all.emplace_back();
    for (const uint64_t frame : frames_of(p2m, mailbox_of(plan, vcpu))) frames.push_back(Mfn{frame});
  }
  return all;
}

}  // namespace

MailboxFrames build_pv64(const Builder& builder, DomId domain, const MemoryPlan& plan) {
  const std::vector<uint64_t> p2m = builder.control.populate(domain, plan.pages);
  const auto info = builder.control.info(domain);
  if (!info) throw ToolstackError("the domain vanished while it was built");

  builder.window.write(domain, frames_of(p2m, plan.image), image_bytes(plan, builder.image));
  builder.window.write(domain, frames_of(p2m, plan.boot_elements()), pv_boot_bytes(plan, p2m, info->shared_info_frame));
  init_shared_info(builder.dom0, builder.window, domain, info->shared_info_frame);
  // A frame that is still mapped writable cannot become a page table.
  builder.window.unmap();

  const Mfn l4{p2m[plan.page_tables.first.raw()]};
  builder.control.pin_table(domain, l4, 4);
  builder.control.init_hypercall_page(domain, Mfn{p2m[plan.pfn(plan.layout.hypercall_page).raw()]});
  const vcpu_guest_context context =
      first_pv_context(plan.layout.pv_entry, l4, plan.va(plan.start_info.first), plan.va(plan.boot_stack.end()));
  builder.control.set_vcpu_context(domain, 0, context);
  return mailboxes(builder, plan, p2m);
}

}  // namespace assay::toolstack
