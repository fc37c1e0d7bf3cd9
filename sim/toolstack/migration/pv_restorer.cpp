#include "sim/toolstack/migration/pv_restorer.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "sim/abi/page_entry.hpp"
#include "sim/toolstack/error.hpp"
#include "sim/toolstack/migration/guest_p2m.hpp"
#include "sim/toolstack/migration/page_tables.hpp"
#include "sim/toolstack/migration/stream_error.hpp"
#include "sim/toolstack/migration/vcpu_context.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {

namespace {

constexpr unsigned kKernelRoot = 3, kUserRoot = 1;  ///< of ctrlreg
constexpr uint64_t kBatchTables = 64;

template <typename T>
T from_bytes(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

/// Whether a domain whose hypervisor cannot set such a state goes on as if it had been set.
bool says_nothing(const VcpuState& state) {
  if (state.type == RecordType::kVcpuExtended) {
    xen_domctl_ext_vcpucontext context;
    std::memset(&context, 0, sizeof context);
    std::memcpy(&context, state.context.data(), std::min(state.context.size(), sizeof context));
    return context.syscall32_callback_eip == 0 && context.sysenter_callback_eip == 0;
  }
  if (state.type == RecordType::kVcpuXsave) {
    // xcr0, then all components that were ever in use: x87 and SSE are in the context, too.
    constexpr uint64_t kLegacyComponents = 3;
    if (state.context.size() < 2 * sizeof(uint64_t)) return true;
    return (from_bytes<std::array<uint64_t, 2>>(state.context)[1] & ~kLegacyComponents) == 0;
  }
  return state.context.empty();
}

}  // namespace

void PvRestorer::take(const PvInfo& record) {
  if (record.guest_width != 8) throw RecordFault{"a 32-bit guest", "a 64-bit one: this toolstack has no other"};
}

void PvRestorer::take(const P2mFrames& record) {
  const uint64_t pages = uint64_t{record.last_pfn} + 1;
  if (record.first_pfn != 0) throw RecordFault{"p2m_start_pfn is " + std::to_string(record.first_pfn), "0"};
  if (pages > spec_.pages) {
    throw RecordFault{"p2m_end_pfn is " + std::to_string(record.last_pfn),
                      "less than the " + std::to_string(spec_.pages) + " pages that the domain may have"};
  }
  const uint64_t wanted = record.last_pfn / kP2mEntriesPerFrame + 1;
  if (record.frames.size() != wanted) {
    throw RecordFault{std::to_string(record.frames.size()) + " frames of the p2m list", std::to_string(wanted)};
  }
  if (pages_ && pages_->plan().pages() != pages) throw RecordFault{"another number of pages than before", "the same"};
  if (!pages_) pages_.emplace(tools_, domain_, pages);
  p2m_pfns_ = record.frames;
}

void PvRestorer::take(const VcpuState& record) {
  if (record.vcpu >= spec_.vcpus) {
    throw RecordFault{"vCPU " + std::to_string(record.vcpu), "one of the domain's " + std::to_string(spec_.vcpus)};
  }
  if (record.context.size() > toolstack::Privileged::kBufferBytes) {
    throw RecordFault{"a context of " + std::to_string(record.context.size()) + " bytes",
                      "at most " + std::to_string(toolstack::Privileged::kBufferBytes)};
  }
  if (record.type == RecordType::kVcpuBasic && record.context.size() != sizeof(vcpu_guest_context)) {
    throw RecordFault{"a context of " + std::to_string(record.context.size()) + " bytes",
                      std::to_string(sizeof(vcpu_guest_context)) + " of a 64-bit guest"};
  }
  if (!vcpus_.try_emplace({record.vcpu, record.type}, record).second) {
    throw RecordFault{"a second one of vCPU " + std::to_string(record.vcpu), "one"};
  }
}

uint64_t PvRestorer::must_mfn_of(uint64_t pfn, const std::string& what) const {
  const auto mfn = pages_->frame_of(pfn);
  if (!mfn) throw ToolstackError(what + " is pfn " + std::to_string(pfn) + ", which has no memory in the stream");
  return *mfn;
}

void PvRestorer::finish() {
  const auto info = tools_.control.info(domain_);
  if (!info) throw ToolstackError("the domain vanished while it was restored");
  shared_info_frame_ = info->shared_info_frame;
  finish_tables();
  finish_p2m();
  finish_shared_info();
  const auto first = vcpus_.find({0, RecordType::kVcpuBasic});
  if (first == vcpus_.end()) throw ToolstackError("the stream has no context of vCPU 0");
  finish_start_info(from_bytes<vcpu_guest_context>(first->second.context).user_regs.rdx);
  // A frame that is still mapped writable cannot become a page table.
  tools_.window.unmap();
  pin_tables();
  finish_vcpus();
}

void PvRestorer::finish_table(uint64_t pfn, std::span<std::byte> content) const {
  auto entries = from_bytes<std::array<uint64_t, kEntries>>(content);
  const auto bad = translate_table(entries, table_level(pages_->plan().type(pfn)),
                                   [&](uint64_t to) { return pages_->frame_of(to); });
  if (bad) {
    throw ToolstackError("entry " + std::to_string(*bad) + " of the page table at pfn " + std::to_string(pfn) +
                         " leads to a pfn that has no memory in the stream");
  }
  std::memcpy(content.data(), entries.data(), kPageSize);
}

void PvRestorer::finish_tables() {
  std::vector<uint64_t> tables;
  for (uint64_t pfn = 0; pfn < pages_->plan().pages(); ++pfn) {
    if (table_level(pages_->plan().type(pfn)) != 0) tables.push_back(pfn);
  }
  for (size_t first = 0; first < tables.size(); first += kBatchTables) {
    const auto part = std::span(tables).subspan(first, std::min<size_t>(kBatchTables, tables.size() - first));
    std::vector<uint64_t> frames;
    for (const uint64_t pfn : part) frames.push_back(pages_->frames()[pfn]);
    Bytes content(frames.size() * kPageSize);
    tools_.window.read(domain_, frames, content);
    for (size_t i = 0; i < part.size(); ++i)
      finish_table(part[i], std::span(content).subspan(i * kPageSize, kPageSize));
    tools_.window.write(domain_, frames, content);
  }
}

void PvRestorer::pin_tables() {
  for (uint64_t pfn = 0; pfn < pages_->plan().pages(); ++pfn) {
    const PageType type = pages_->plan().type(pfn);
    if (is_pinned(type)) tools_.control.pin_table(domain_, Mfn{pages_->frames()[pfn]}, table_level(type));
  }
}

void PvRestorer::finish_p2m() {
  std::vector<uint64_t> frames;
  for (const uint64_t pfn : p2m_pfns_) frames.push_back(must_mfn_of(pfn, "a frame of the p2m list"));
  std::vector<uint64_t> list = pages_->frames();
  list.resize(frames.size() * kP2mEntriesPerFrame, GuestP2m::kNoFrame);
  tools_.window.write(domain_, frames, std::as_bytes(std::span(list)));
}

/// No event channel is open in the new domain; time and wallclock in the page are the hypervisor's. Where the p2m list
/// is mapped the guest says again: the frames that it had named are another domain's by now.
void PvRestorer::finish_shared_info() {
  const auto saved = from_bytes<struct shared_info>(shared_info_.content);
  const Gva va = tools_.window.map(domain_, std::span(&shared_info_frame_, 1));
  auto fresh = tools_.dom0.vcpu().read<struct shared_info>(va);
  for (size_t i = 0; i < std::size(fresh.vcpu_info); ++i) {
    fresh.vcpu_info[i].evtchn_upcall_mask = saved.vcpu_info[i].evtchn_upcall_mask;
    fresh.vcpu_info[i].arch = saved.vcpu_info[i].arch;
  }
  std::memset(fresh.evtchn_mask, 0xff, sizeof fresh.evtchn_mask);
  fresh.arch.max_pfn = saved.arch.max_pfn;
  fresh.arch.nmi_reason = saved.arch.nmi_reason;
  fresh.arch.p2m_vaddr = saved.arch.p2m_vaddr;
  fresh.arch.p2m_generation = saved.arch.p2m_generation;
  tools_.dom0.vcpu().write(va, fresh);
}

/// The frames in there are the new domain's. Source: public/xen.h, struct start_info, "the following are filled in both
/// on initial boot and on resume".
void PvRestorer::finish_start_info(uint64_t pfn) {
  const uint64_t frame = must_mfn_of(pfn, "start_info (rdx of vCPU 0)");
  if (table_level(pages_->plan().type(pfn)) != 0) throw ToolstackError("start_info (rdx of vCPU 0) is a page table");
  const Gva va = tools_.window.map(domain_, std::span(&frame, 1));
  auto info = tools_.dom0.vcpu().read<start_info>(va);
  info.nr_pages = pages_->plan().pages();
  info.shared_info = shared_info_frame_ << kPageShift;
  info.flags = 0;
  // A guest that suspends itself leaves pfns there.
  if (info.store_mfn != 0) {
    store_ = make_ring(info.store_mfn, "store_mfn of start_info");
    info.store_mfn = store_->frame;
    info.store_evtchn = store_->port;
  }
  if (info.console.domU.mfn != 0) {
    console_ = make_ring(info.console.domU.mfn, "console.domU.mfn of start_info");
    info.console.domU.mfn = console_->frame;
    info.console.domU.evtchn = console_->port;
  }
  tools_.dom0.vcpu().write(va, info);
}

RestoredRing PvRestorer::make_ring(uint64_t pfn, const std::string& what) const {
  return {must_mfn_of(pfn, what), tools_.control.alloc_unbound_port(domain_)};
}

void PvRestorer::check_roots(const vcpu_guest_context& context, uint32_t vcpu) const {
  for (const unsigned root : {kKernelRoot, kUserRoot}) {
    const uint64_t cr3 = context.ctrlreg[root];
    if (root == kUserRoot && cr3 == 0) continue;
    const uint64_t pfn = xen_cr3_to_pfn(cr3);
    if (pages_->plan().is_populated(pfn) && table_level(pages_->plan().type(pfn)) == 4) continue;
    throw ToolstackError("ctrlreg[" + std::to_string(root) + "] of vCPU " + std::to_string(vcpu) + " names pfn " +
                         std::to_string(pfn) + ", which is no L4 page table in the stream");
  }
}

void PvRestorer::finish_vcpus() {
  for (const auto& [key, state] : vcpus_) {
    if (state.type != RecordType::kVcpuBasic) continue;
    auto context = from_bytes<vcpu_guest_context>(state.context);
    check_roots(context, state.vcpu);
    const std::string bad = translate_context(context, state.vcpu, [&](uint64_t pfn) { return pages_->frame_of(pfn); });
    if (!bad.empty()) {
      throw ToolstackError("vCPU " + std::to_string(state.vcpu) + ": " + bad +
                           " is a pfn that has no memory in the stream");
    }
    VcpuState translated = state;
    std::memcpy(translated.context.data(), &context, sizeof context);
    set_state(translated);
  }
  for (const auto& [key, state] : vcpus_) {
    if (state.type != RecordType::kVcpuBasic && !state.context.empty()) set_state(state);
  }
}

void PvRestorer::set_state(const VcpuState& state) {
  if (control_.set_vcpu_state(state)) return;
  const std::string name = name_of(state.type) + " of vCPU " + std::to_string(state.vcpu);
  if (!says_nothing(state)) throw ToolstackError(name + " holds what this hypervisor has no operation to set");
  left_out_.push_back(name);
}

}  // namespace assay::migration
