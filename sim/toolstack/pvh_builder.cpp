#include "sim/toolstack/boot_data.hpp"
#include "sim/toolstack/guest_builder.hpp"
#include "sim/toolstack/own_page_tables.hpp"
#include "sim/toolstack/paging_pool.hpp"
#include "sim/toolstack/toolstack.hpp"
#include "sim/toolstack/vcpu_state.hpp"

namespace assay::toolstack {

namespace {

constexpr uint32_t kCpuidVersion = 1;

/// The hypervisor translates the gfns that are asked for; the machine frames stand in the page tables afterwards.
MailboxFrames find_mailboxes(const Builder& builder, DomId domain, const MemoryPlan& plan,
                             const std::vector<uint64_t>& gfns) {
  const OwnPageTables tables(builder.dom0.domain());
  MailboxFrames all;
  for (uint32_t vcpu = 0; vcpu < agent_vcpus(builder.spec); ++vcpu) {
    const Frames mailbox = mailbox_of(plan, vcpu);
    all.push_back(tables.frames_at(builder.window.map(domain, frames_of(gfns, mailbox)), mailbox.count));
  }
  return all;
}

}  // namespace

MailboxFrames build_pvh(const Builder& builder, DomId domain, const MemoryPlan& plan) {
  builder.control.set_paging_pool(domain, paging_pool_bytes(builder.spec));
  const std::vector<uint64_t> gfns = builder.control.populate(domain, plan.pages);
  builder.window.write(domain, frames_of(gfns, plan.image), image_bytes(plan, builder.image));
  builder.window.write(domain, frames_of(gfns, plan.boot_elements()), pvh_boot_bytes(plan));
  MailboxFrames frames = find_mailboxes(builder, domain, plan, gfns);
  builder.window.unmap();
  // A record stream that says it comes from another processor makes the hypervisor complain on its console.
  const uint32_t processor = builder.dom0.vcpu().cpuid(kCpuidVersion).value[0];
  const uint64_t start_info = plan.start_info.first.raw() * kPageSize;
  builder.control.set_hvm_context(
      domain, first_pvh_records(plan.layout.pvh_entry - plan.layout.virt_base, start_info, processor));
  return frames;
}

}  // namespace assay::toolstack
