#include "sim/engine/machine_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace assay {

namespace {

constexpr uint64_t kPlaceStride = 1ull << 40;
constexpr unsigned kPlaces = 16;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

uint8_t* reserve(uintptr_t address, uint64_t bytes) {
  for (unsigned place = 0; place < kPlaces; ++place) {
    void* const wanted = reinterpret_cast<void*>(address + place * kPlaceStride);
    void* const got =
        mmap(wanted, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == wanted) return static_cast<uint8_t*>(got);
    if (got != MAP_FAILED) munmap(got, bytes);
  }
  errno = ENOMEM;
  fail("reserving address space for the machine");
}

}  // namespace

MachineMemory::MachineMemory(uintptr_t address, uint64_t bytes) : bytes_(bytes) {
  if (bytes / kPageBytes > PageMap::kPagesMax) throw std::length_error("more machine memory than a moment can hold");
  reserved_ = reserve(address - kGuardBytes, bytes + 2 * kGuardBytes);
  data_ = reserved_ + kGuardBytes;
  file_ = memfd_create("assay-machine", MFD_CLOEXEC);
  if (file_ < 0) fail("creating the machine's memory");
  clear();
}

MachineMemory::~MachineMemory() {
  dirty_.reset();
  if (frozen_ != nullptr) munmap(const_cast<uint8_t*>(frozen_), bytes_);
  munmap(reserved_, bytes_ + 2 * kGuardBytes);
  close(file_);
}

void MachineMemory::map(int flags) {
  void* const got = mmap(data_, bytes_, PROT_READ | PROT_WRITE, flags | MAP_FIXED | MAP_NORESERVE, file_, 0);
  if (got == MAP_FAILED) fail("mapping the machine's memory");
}

void MachineMemory::clear() {
  dirty_.reset();
  now_ = PageMap{};
  if (ftruncate(file_, 0) != 0 || ftruncate(file_, static_cast<off_t>(bytes_)) != 0) {
    fail("sizing the machine's memory");
  }
  map(MAP_SHARED);
}

void MachineMemory::freeze() {
  static std::atomic<uint64_t> last_id = 0;
  if (dirty_) throw std::logic_error("machine memory is frozen already");
  if (frozen_ == nullptr) {
    void* const view = mmap(nullptr, bytes_, PROT_READ, MAP_SHARED | MAP_NORESERVE, file_, 0);
    if (view == MAP_FAILED) fail("mapping the machine's frozen memory");
    frozen_ = static_cast<const uint8_t*>(view);
  }
  map(MAP_PRIVATE);
  // A mapping with its first private page keeps that page's bookkeeping when it is split, and so can be joined again;
  // parts that got their first private page apart from each other could not.
  volatile uint8_t& first = data_[0];
  first = first;
  dirty_.emplace(data_, static_cast<uint32_t>(bytes_ / kPageBytes));
  dirty_->forget();
  frozen_id_ = ++last_id;
}

void MachineMemory::check_frozen() const {
  if (!dirty_) throw std::logic_error("machine memory is not frozen");
}

const uint8_t* MachineMemory::contents(const PageMap& pages, uint32_t page) const {
  const PageMap::Page* const found = pages.find(page);
  return found != nullptr ? found->bytes.data() : frozen_ + page * kPageBytes;
}

/// True when the page is not what it was at the last moment.
bool MachineMemory::remember(uint32_t page) {
  const uint8_t* const here = data_ + page * kPageBytes;
  if (std::memcmp(here, contents(now_, page), kPageBytes) == 0) return false;
  if (std::memcmp(here, frozen_ + page * kPageBytes, kPageBytes) == 0) {
    now_.erase(page);
  } else {
    now_.set(page, here);
  }
  return true;
}

/// True when the page was something else.
bool MachineMemory::restore(uint32_t page, const PageMap& pages) {
  uint8_t* const here = data_ + page * kPageBytes;
  const uint8_t* const wanted = contents(pages, page);
  if (std::memcmp(here, wanted, kPageBytes) == 0) return false;
  std::memcpy(here, wanted, kPageBytes);
  return true;
}

/// Back to the frozen contents by giving all private pages back to the kernel.
void MachineMemory::drop() {
  if (madvise(data_, bytes_, MADV_DONTNEED) != 0) fail("rewinding the machine's memory");
  dirty_->forget();
  now_ = PageMap{};
}

MachineMemory::Moment MachineMemory::take() {
  check_frozen();
  dirty_->sweep([this](uint32_t page) { return remember(page); });
  return {now_, frozen_id_};
}

void MachineMemory::go_back(const Moment& moment) {
  check_frozen();
  if (moment.frozen_id_ != frozen_id_) throw std::logic_error("a moment of other memory");
  if (dirty_->count() > kKeptMax) drop();
  dirty_->open(PageMap::differences(now_, moment.pages_));
  dirty_->sweep([&](uint32_t page) { return restore(page, moment.pages_); });
  now_ = moment.pages_;
}

void MachineMemory::rewind() {
  go_back({PageMap{}, frozen_id_});
}

bool MachineMemory::near(uintptr_t address) const {
  const auto start = reinterpret_cast<uintptr_t>(reserved_);
  return address >= start && address - start < bytes_ + 2 * kGuardBytes;
}

bool MachineMemory::inside(uintptr_t address) const {
  const auto start = reinterpret_cast<uintptr_t>(data_);
  return address >= start && address - start < bytes_;
}

}  // namespace assay
