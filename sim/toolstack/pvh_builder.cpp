#include "sim/toolstack/boot_data.hpp"
#include "sim/toolstack/guest_builder.hpp"
#include "sim/toolstack/own_page_tables.hpp"
#include "sim/toolstack/toolstack.hpp"
#include "sim/toolstack/vcpu_state.hpp"

namespace assay::toolstack {

namespace {

constexpr uint64_t kMiB = 1 << 20;

/// Second-stage tables: a few per MiB of memory when all of it is mapped by 4 KiB pages, and what each vCPU adds.
uint64_t paging_pool_bytes(const GuestSpec& spec) {
  const uint64_t memory_mib = (spec.pages * kPageSize + kMiB - 1) / kMiB;
  return spec.vcpus * kMiB + memory_mib * 2 * kPageSize;
}

std::span<const uint64_t> part(const std::vector<uint64_t>& gfns, const Frames& frames) {
  return std::span(gfns).subspan(frames.first.raw(), frames.count);
}

/// The hypervisor translates the gfns that are asked for; the machine frames stand in the page tables afterwards.
MailboxFrames find_mailboxes(const Builder& builder, DomId domain, const MemoryPlan& plan,
                             const std::vector<uint64_t>& gfns) {
  const OwnPageTables tables(builder.dom0.domain());
  MailboxFrames all;
  for (uint32_t vcpu = 0; vcpu < ASSAY_AGENT_VCPUS_MAX; ++vcpu) {
    const Frames mailbox = mailbox_of(plan, vcpu);
    const Gva va = builder.window.map(domain, part(gfns, mailbox));
    std::vector<Mfn>& frames = all.emplace_back();
    for (uint64_t i = 0; i < mailbox.count; ++i) frames.push_back(tables.frame_at(va + i * kPageSize));
  }
  return all;
}

}  // namespace

MailboxFrames build_pvh(const Builder& builder, DomId domain, const MemoryPlan& plan, const GuestSpec& spec) {
  builder.control.set_paging_pool(domain, paging_pool_bytes(spec));
  const std::vector<uint64_t> gfns = builder.control.populate(domain, spec.pages);
  builder.window.write(domain, part(gfns, plan.image), image_bytes(plan, builder.image));
  builder.window.write(domain, part(gfns, plan.boot_elements()), pvh_boot_bytes(plan));
  MailboxFrames frames = find_mailboxes(builder, domain, plan, gfns);
  builder.window.unmap();
  builder.control.set_hvm_context(domain, first_pvh_records(plan.layout, plan.start_info.first.raw() * kPageSize));
  return frames;
}

}  // namespace assay::toolstack
