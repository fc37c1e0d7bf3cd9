#include "sim/toolstack/kernel_builder.hpp"

#include <algorithm>

#include "sim/abi/xen.hpp"
#include "sim/toolstack/acpi.hpp"
#include "sim/toolstack/boot_data.hpp"
#include "sim/toolstack/own_page_tables.hpp"
#include "sim/toolstack/paging_pool.hpp"
#include "sim/toolstack/shared_info.hpp"
#include "sim/toolstack/toolstack.hpp"
#include "sim/toolstack/vcpu_state.hpp"

namespace assay::toolstack {

namespace {

constexpr uint32_t kCpuidVersion = 1;

std::span<const uint64_t> part(const std::vector<uint64_t>& frames, const Frames& which) {
  return std::span(frames).subspan(which.first.raw(), which.count);
}

/// The work of one build, in steps.
class KernelBuilder {
 public:
  KernelBuilder(const Privileged& dom0, const DomainControl& control, ForeignWindow& window, const GuestSpec& spec,
                DomId domain, const KernelImage& image, const KernelBoot& boot)
      : dom0_(dom0),
        control_(control),
        window_(window),
        spec_(spec),
        domain_(domain),
        image_(image),
        boot_(boot),
        plan_(plan_kernel(image, boot.initrd.size(), spec.pages)) {}

  KernelRings build() {
    if (image_.type == GuestType::kPvh) control_.set_paging_pool(domain_, paging_pool_bytes(spec_));
    frames_ = control_.populate(domain_, plan_.pages);
    const uint32_t store = control_.alloc_unbound_port(domain_);
    const uint32_t console = control_.alloc_unbound_port(domain_);
    extras_ = {boot_.command_line, boot_.initrd.size(), image_.wants_initrd_frame, store, console};
    window_.write(domain_, part(frames_, plan_.image), kernel_bytes(plan_, image_));
    if (!boot_.initrd.empty()) window_.write(domain_, part(frames_, plan_.initrd), whole_pages(boot_.initrd));
    KernelRings rings;
    rings.store.port = control_.bind_port(domain_, store);
    rings.console.port = control_.bind_port(domain_, console);
    image_.type == GuestType::kPv64 ? finish_pv(rings) : finish_pvh(rings);
    return rings;
  }

 private:
  static std::vector<std::byte> whole_pages(std::vector<std::byte> bytes) {
    bytes.resize((bytes.size() + kPageSize - 1) / kPageSize * kPageSize);
    return bytes;
  }

  void finish_pv(KernelRings& rings) {
    const auto info = control_.info(domain_);
    if (!info) throw ToolstackError("the domain vanished while it was built");
    window_.write(domain_, part(frames_, plan_.boot_elements()),
                  pv_boot_bytes(plan_, frames_, info->shared_info_frame, extras_));
    init_shared_info(dom0_, window_, domain_, info->shared_info_frame);
    window_.unmap();  // a frame that is still mapped writable cannot become a page table
    const Mfn l4{frames_[plan_.page_tables.first.raw()]};
    control_.pin_table(domain_, l4, 4);
    if (image_.hypercall_page) {
      control_.init_hypercall_page(domain_, Mfn{frames_[plan_.pfn(*image_.hypercall_page).raw()]});
    }
    control_.set_vcpu_context(
        domain_, 0,
        first_pv_context(image_.entry, l4, plan_.va(plan_.start_info.first), plan_.va(plan_.boot_stack.end())));
    rings.store.frame = Mfn{frames_[plan_.store_ring.first.raw()]};
    rings.console.frame = Mfn{frames_[plan_.console_ring.first.raw()]};
  }

  void finish_pvh(KernelRings& rings) {
    window_.write(domain_, part(frames_, plan_.boot_elements()), pvh_boot_bytes(plan_, extras_));
    const uint64_t acpi = plan_.acpi.first.raw() * kPageSize;
    window_.write(domain_, part(frames_, plan_.acpi), acpi_tables(acpi, spec_.vcpus));
    rings.store.frame = machine_frame(plan_.store_ring);
    rings.console.frame = machine_frame(plan_.console_ring);
    window_.unmap();
    control_.set_memory_map(domain_, pvh_memory_map(plan_));
    control_.set_hvm_param(domain_, HVM_PARAM_STORE_PFN, plan_.store_ring.first.raw());
    control_.set_hvm_param(domain_, HVM_PARAM_STORE_EVTCHN, extras_.store_port);
    control_.set_hvm_param(domain_, HVM_PARAM_CONSOLE_PFN, plan_.console_ring.first.raw());
    control_.set_hvm_param(domain_, HVM_PARAM_CONSOLE_EVTCHN, extras_.console_port);
    const uint32_t processor = dom0_.vcpu().cpuid(kCpuidVersion).value[0];
    control_.set_hvm_context(domain_,
                             first_pvh_records(image_.entry, plan_.start_info.first.raw() * kPageSize, processor));
  }

  /// The hypervisor translates what is mapped: the machine frame stands in the page tables afterwards.
  Mfn machine_frame(const Frames& ring) {
    const OwnPageTables tables(dom0_.domain());
    return tables.frames_at(window_.map(domain_, part(frames_, ring)), ring.count).front();
  }

  const Privileged& dom0_;
  const DomainControl& control_;
  ForeignWindow& window_;
  const GuestSpec& spec_;
  DomId domain_;
  const KernelImage& image_;
  const KernelBoot& boot_;
  MemoryPlan plan_;
  std::vector<uint64_t> frames_;
  BootExtras extras_;
};

}  // namespace

KernelRings build_kernel(const Privileged& dom0, const DomainControl& control, ForeignWindow& window,
                         const GuestSpec& spec, DomId domain, const KernelImage& image, const KernelBoot& boot) {
  return KernelBuilder(dom0, control, window, spec, domain, image, boot).build();
}

}  // namespace assay::toolstack
