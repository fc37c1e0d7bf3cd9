#include "sim/engine/machine_dirty_pages.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <system_error>

#include "sim/engine/machine_page_map.hpp"

namespace assay {

namespace {

constexpr size_t kPageBytes = PageMap::Page::kBytes;

/// Calls `act(first, end)` for each run of neighbours.
template <typename Act>
void for_each_run(std::span<const uint32_t> pages, Act&& act) {
  for (size_t start = 0, end = 0; start < pages.size(); start = end) {
    for (end = start + 1; end < pages.size() && pages[end] == pages[end - 1] + 1;) ++end;
    act(pages[start], pages[end - 1] + 1);
  }
}

}  // namespace

DirtyPages::DirtyPages(uint8_t* data, uint32_t pages)
    : data_(data), pages_(pages), age_(pages), noted_(pages), scope_(*this) {}

bool DirtyPages::protect(uint32_t first, uint32_t end, int protection) const noexcept {
  return mprotect(data_ + first * kPageBytes, (end - first) * kPageBytes, protection) == 0;
}

void DirtyPages::note(uint32_t page) noexcept {
  uint8_t read_only = 0;
  if (age_[page].compare_exchange_strong(read_only, 1)) noted_[count_++] = page;
}

/// Each island of writable pages takes the kernel two mappings, and it has a limit to them: past it, all pages are
/// opened, which is one mapping.
bool DirtyPages::open_run(uint32_t first, uint32_t end) noexcept {
  if (!protect(first, end, PROT_READ | PROT_WRITE)) {
    first = 0;
    end = pages_;
    if (!protect(first, end, PROT_READ | PROT_WRITE)) return false;
  }
  for (uint32_t page = first; page < end; ++page) note(page);
  return true;
}

bool DirtyPages::on_write_fault(uintptr_t address) noexcept {
  const uintptr_t offset = address - reinterpret_cast<uintptr_t>(data_);
  if (offset >= pages_ * kPageBytes) return false;
  const uint32_t first = static_cast<uint32_t>(offset / kPageBytes) / kPagesPerFault * kPagesPerFault;
  return open_run(first, std::min(first + kPagesPerFault, pages_));
}

void DirtyPages::open(std::span<const uint32_t> pages) {
  for_each_run(pages, [this](uint32_t first, uint32_t end) {
    if (open_run(first, end)) return;
    throw std::system_error(errno, std::generic_category(), "making machine memory writable");
  });
}

void DirtyPages::close(std::vector<uint32_t>& pages) {
  std::sort(pages.begin(), pages.end());
  for_each_run(pages, [this](uint32_t first, uint32_t end) {
    if (protect(first, end, PROT_READ)) return;
    for (uint32_t page = first; page < end; ++page) note(page);  // as in open_run: it stays writable
  });
}

void DirtyPages::forget() {
  if (!protect(0, pages_, PROT_READ)) {
    throw std::system_error(errno, std::generic_category(), "making machine memory read-only");
  }
  const size_t count = count_;
  for (size_t i = 0; i < count; ++i) age_[noted_[i]] = 0;
  count_ = 0;
}

}  // namespace assay
