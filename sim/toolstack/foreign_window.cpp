#include "sim/toolstack/foreign_window.hpp"

#include <algorithm>
#include <cstring>

#include "sim/toolstack/error.hpp"
#include "sim/toolstack/page_tables.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::toolstack {

namespace {

/// A byte is zero, and each is as the one before it.
bool is_zero(std::span<const std::byte> page) {
  return page.front() == std::byte{0} && std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0;
}

/// Pages at the front of some bytes that are alike in being zero or not.
struct Run {
  uint64_t bytes;
  bool is_zero;
};

Run first_run(std::span<const std::byte> bytes) {
  Run run{kPageSize, is_zero(bytes.first(kPageSize))};
  while (run.bytes < bytes.size() && is_zero(bytes.subspan(run.bytes, kPageSize)) == run.is_zero)
    run.bytes += kPageSize;
  return run;
}

void write_runs(Vcpu& vcpu, Gva va, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const Run run = first_run(bytes);
    const std::optional<assay_fault> fault =
        run.is_zero ? vcpu.fill(va, run.bytes, 0) : vcpu.write_bytes(va, bytes.first(run.bytes));
    if (fault) throw ToolstackError("a foreign page that was mapped is not writable");
    bytes = bytes.subspan(run.bytes);
    va = va + run.bytes;
  }
}

}  // namespace

ForeignWindow::ForeignWindow(const Privileged& dom0) : dom0_(&dom0), start_(dom0.domain().alloc_pages(kPages)) {}

void ForeignWindow::apply(std::span<const Update> updates, const DomId* foreign) {
  std::vector<multicall_entry> calls(updates.size());
  for (size_t i = 0; i < updates.size(); ++i) {
    const uint64_t flush = i + 1 == updates.size() ? UVMF_TLB_FLUSH | UVMF_LOCAL : UVMF_NONE;
    calls[i].op = foreign ? __HYPERVISOR_update_va_mapping_otherdomain : __HYPERVISOR_update_va_mapping;
    calls[i].args[0] = page(updates[i].page).raw();
    calls[i].args[1] = updates[i].entry;
    calls[i].args[2] = flush;
    calls[i].args[3] = foreign ? foreign->raw() : 0u;
  }
  dom0_->write_buffer(std::as_bytes(std::span(calls)));
  must(dom0_->call(__HYPERVISOR_multicall, {dom0_->buffer().raw(), calls.size()}), "multicall");
  dom0_->read_buffer(std::as_writable_bytes(std::span(calls)));
  const std::string name =
      foreign ? "update_va_mapping_otherdomain of domain " + std::to_string(foreign->raw()) : "update_va_mapping";
  for (const multicall_entry& call : calls) must(static_cast<int64_t>(call.result), name);
}

Gva ForeignWindow::map(DomId domain, std::span<const uint64_t> frames) {
  return map(domain, frames, kLeafRw);
}

Gva ForeignWindow::map_to_read(DomId domain, std::span<const uint64_t> frames) {
  return map(domain, frames, kLeafRo);
}

Gva ForeignWindow::map(DomId domain, std::span<const uint64_t> frames, uint64_t attributes) {
  if (frames.size() > kPages) throw HarnessFault("more pages than the foreign window has");
  std::vector<Update> updates;
  for (uint64_t i = 0; i < frames.size(); ++i) updates.push_back({i, entry(Mfn{frames[i]}, attributes)});
  // Part of a failed batch may have been mapped.
  mapped_ = std::max<uint64_t>(mapped_, frames.size());
  apply(updates, &domain);
  return start_;
}

void ForeignWindow::unmap() {
  if (mapped_ == 0) return;
  std::vector<Update> updates;
  for (uint64_t i = 0; i < mapped_; ++i) updates.push_back({i, 0});
  apply(updates, nullptr);
  mapped_ = 0;
}

void ForeignWindow::write(DomId domain, std::span<const uint64_t> frames, std::span<const std::byte> bytes) {
  if (bytes.size() != frames.size() * kPageSize) throw HarnessFault("whole pages are written through the window");
  for (uint64_t first = 0; first < frames.size(); first += kPages) {
    const uint64_t count = std::min<uint64_t>(kPages, frames.size() - first);
    const Gva va = map(domain, frames.subspan(first, count));
    write_runs(dom0_->vcpu(), va, bytes.subspan(first * kPageSize, count * kPageSize));
  }
}

void ForeignWindow::read(DomId domain, std::span<const uint64_t> frames, std::span<std::byte> bytes) {
  if (bytes.size() != frames.size() * kPageSize) throw HarnessFault("whole pages are read through the window");
  for (uint64_t first = 0; first < frames.size(); first += kPages) {
    const uint64_t count = std::min<uint64_t>(kPages, frames.size() - first);
    const Gva va = map_to_read(domain, frames.subspan(first, count));
    if (dom0_->vcpu().read_bytes(va, bytes.subspan(first * kPageSize, count * kPageSize))) {
      throw ToolstackError("a foreign page that was mapped is not readable");
    }
  }
}

}  // namespace assay::toolstack
