#include "hv/domain/dom0_builder.hpp"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstring>

#include "hv/domain/context.hpp"
#include "hv/domain/dom0_image.hpp"
#include "hv/domain/dom0_layout.hpp"
#include "hv/domain/dom0_memory.hpp"
#include "hv/domain/dom0_tables.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/mm/hypercall_page.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

namespace {

Status refuse(int code, const char* why) {
  log("dom0: %s", why);
  return fail(code);
}

struct Build {
  const assay_image& image;
  const KernelImage& kernel;
  const Dom0Layout& layout;
  Domain& domain;
  const Dom0Memory& memory;
};

void load_kernel(const Build& build) {
  for (uint32_t i = 0; i < build.kernel.segment_count; ++i) {
    const KernelSegment& segment = build.kernel.segments[i];
    build.memory.write(segment.address - build.layout.base, segment.file, segment.file_bytes);
  }
  if (build.image.initrd_bytes != 0) {
    build.memory.write(build.layout.initrd - build.layout.base, build.image.initrd, build.image.initrd_bytes);
  }
}

void write_p2m(const Build& build) {
  const uint64_t first = build.layout.pfn(build.layout.p2m);
  constexpr uint64_t kPerPage = kPageSize / sizeof(uint64_t);
  for (uint64_t pfn = 0; pfn < build.image.pages; pfn += kPerPage) {
    auto* list = reinterpret_cast<uint64_t*>(build.memory.bytes(first + pfn / kPerPage));
    const uint64_t count = std::min<uint64_t>(kPerPage, build.image.pages - pfn);
    for (uint64_t i = 0; i < count; ++i) list[i] = build.memory.mfn(pfn + i).raw();
  }
}

void write_start_info(const Build& build) {
  const Dom0Layout& layout = build.layout;
  start_info_t info{};
  std::snprintf(info.magic, sizeof info.magic, "xen-3.0-x86_64");
  info.nr_pages = build.image.pages;
  info.shared_info = build.domain.memory.shared_info.raw() << kPageShift;
  info.flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
  info.pt_base = layout.page_tables;
  info.nr_pt_frames = layout.page_table_frames;
  info.mfn_list = layout.p2m;
  if (build.image.initrd_bytes != 0) {
    if (build.kernel.mod_start_is_pfn) info.flags |= SIF_MOD_START_PFN;
    info.mod_start = build.kernel.mod_start_is_pfn ? layout.pfn(layout.initrd) : layout.initrd;
    info.mod_len = build.image.initrd_bytes;
  }
  const char* line = build.image.command_line == nullptr ? "" : build.image.command_line;
  std::memcpy(info.cmd_line, line, strnlen(line, MAX_GUEST_CMDLINE - 1));
  build.memory.write(layout.start_info - layout.base, &info, sizeof info);
}

void fill_context(const Build& build, vcpu_guest_context_t& context) {
  const uint64_t l4 = build.memory.mfn(build.layout.pfn(build.layout.page_tables)).raw();
  context.flags = VGCF_in_kernel | VGCF_online;
  context.user_regs.rip = build.kernel.entry;
  context.user_regs.rsp = build.layout.stack_end;
  context.user_regs.rsi = build.layout.start_info;
  constexpr uint32_t kInterruptFlag = 1u << 9;
  context.user_regs.eflags = kInterruptFlag;
  context.user_regs.cs = FLAT_KERNEL_CS;
  context.user_regs.ss = FLAT_KERNEL_SS;
  context.user_regs.ds = FLAT_KERNEL_DS;
  context.user_regs.es = FLAT_KERNEL_DS;
  context.user_regs.fs = FLAT_KERNEL_DS;
  context.user_regs.gs = FLAT_KERNEL_DS;
  context.kernel_ss = FLAT_KERNEL_SS;
  context.kernel_sp = build.layout.stack_end;
  context.ctrlreg[3] = l4 << kPageShift;
}

/// Pins the tables, points vCPU 0 at them and lets the domain run.
Status start(const Build& build) {
  const Mfn l4 = build.memory.mfn(build.layout.pfn(build.layout.page_tables));
  if (const Status status = pin_page(l4, build.domain.memory, PageType::kL4); !status.ok()) {
    return refuse(XEN_EINVAL, "its page tables do not validate");
  }
  vcpu_guest_context_t context{};
  fill_context(build, context);
  if (const Status status = set_pv_context(*build.domain.vcpus[0], context); !status.ok()) return status;
  return unpause_by_controller(build.domain);
}

Status load(const Build& build) {
  load_kernel(build);
  write_p2m(build);
  write_start_info(build);
  write_dom0_tables(build.layout, build.memory);
  const uint64_t stubs = build.kernel.hypercall_page;
  if (stubs == 0) return kOk;
  if (stubs % kPageSize != 0 || stubs < build.kernel.start || stubs >= build.kernel.end) {
    return refuse(XEN_EINVAL, "its hypercall page is outside the image");
  }
  fill_hypercall_page(GuestKind::kPv64, build.memory.mfn(build.layout.pfn(stubs)));
  return kOk;
}

Result<Domain*> create(const assay_image& image) {
  DomainConfig config{};
  config.id = DomId{0};
  config.privileged = true;
  config.emulation_flags = XEN_X86_EMU_PIT;
  config.max_vcpus = image.vcpus;
  config.max_evtchn_port = UINT_MAX;
  const Result<Domain*> domain = create_domain(config);
  if (!domain.ok()) return domain;
  // As without an upper limit on the command line: the first domain may take what is free.
  (*domain)->memory.max_pages = UINT_MAX;
  const Status status = allocate_vcpus(**domain);
  if (!status.ok()) return status;
  return domain;
}

}  // namespace

Status build_dom0(const assay_image& image) {
  if (image.vcpus == 0 || image.vcpus > XEN_LEGACY_MAX_VCPUS) return refuse(XEN_EINVAL, "bad number of vCPUs");
  KernelImage kernel{};
  if (const Status status = read_kernel(image, kernel); !status.ok()) return status;
  const uint64_t bytes = image.pages * kPageSize;
  if (kernel.virt_base % kPageSize != 0 || kernel.end - kernel.virt_base > bytes || image.initrd_bytes > bytes) {
    return refuse(XEN_ENOMEM, "too little memory for its image");
  }
  const Dom0Layout layout = lay_out_dom0(kernel, image.initrd_bytes, image.pages);
  if (layout.mapped_frames() > image.pages) return refuse(XEN_ENOMEM, "too little memory for its image");
  const Result<Domain*> domain = create(image);
  if (!domain.ok()) return refuse(XEN_ENOMEM, "no memory for the domain");
  Dom0Memory memory((*domain)->memory);
  if (const Status status = memory.populate(image.pages); !status.ok()) return refuse(XEN_ENOMEM, "no such memory");
  const Build build{image, kernel, layout, **domain, memory};
  if (const Status status = load(build); !status.ok()) return status;
  log("dom0: %u pages, kernel %#llx..%#llx, entry %#llx", image.pages, static_cast<unsigned long long>(kernel.start),
      static_cast<unsigned long long>(kernel.end), static_cast<unsigned long long>(kernel.entry));
  return start(build);
}

}  // namespace hv
