#include "sim/engine/machine_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
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
  reserved_ = reserve(address - kGuardBytes, bytes + 2 * kGuardBytes);
  data_ = reserved_ + kGuardBytes;
  file_ = memfd_create("assay-machine", MFD_CLOEXEC);
  if (file_ < 0) fail("creating the machine's memory");
  clear();
}

MachineMemory::~MachineMemory() {
  if (page_map_ >= 0) close(page_map_);
  if (frozen_ != nullptr) munmap(const_cast<uint8_t*>(frozen_), bytes_);
  munmap(reserved_, bytes_ + 2 * kGuardBytes);
  close(file_);
}

void MachineMemory::map(int flags) {
  void* const got = mmap(data_, bytes_, PROT_READ | PROT_WRITE, flags | MAP_FIXED | MAP_NORESERVE, file_, 0);
  if (got == MAP_FAILED) fail("mapping the machine's memory");
}

void MachineMemory::clear() {
  if (ftruncate(file_, 0) != 0 || ftruncate(file_, static_cast<off_t>(bytes_)) != 0) {
    fail("sizing the machine's memory");
  }
  map(MAP_SHARED);
}

void MachineMemory::freeze() {
  map(MAP_PRIVATE);
  if (frozen_ != nullptr) return;
  void* const view = mmap(nullptr, bytes_, PROT_READ, MAP_SHARED | MAP_NORESERVE, file_, 0);
  if (view == MAP_FAILED) fail("mapping the machine's frozen memory");
  frozen_ = static_cast<const uint8_t*>(view);
}

void MachineMemory::rewind() {
  if (restore_private_pages()) return;
  if (madvise(data_, bytes_, MADV_DONTNEED) != 0) fail("rewinding the machine's memory");
}

/// False when the kernel does not tell which pages are private, or when there are too many. Source: the kernel's
/// Documentation/admin-guide/mm/pagemap.rst.
bool MachineMemory::restore_private_pages() {
  constexpr uint64_t kPresent = uint64_t{1} << 63, kSwapped = uint64_t{1} << 62, kOfFile = uint64_t{1} << 61;
  if (page_map_owner_ != getpid()) {
    if (page_map_ >= 0) close(page_map_);
    page_map_ = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    page_map_owner_ = getpid();
  }
  if (page_map_ < 0) return false;
  entries_.resize(bytes_ / kPageBytes);
  const auto wanted = static_cast<ssize_t>(entries_.size() * sizeof entries_[0]);
  const auto start = static_cast<off_t>(reinterpret_cast<uintptr_t>(data_) / kPageBytes * sizeof entries_[0]);
  if (pread(page_map_, entries_.data(), static_cast<size_t>(wanted), start) != wanted) return false;
  size_t kept = 0;
  for (size_t page = 0; page < entries_.size(); ++page) {
    const uint64_t entry = entries_[page];
    if ((entry & kSwapped) != 0) return false;
    if ((entry & kPresent) == 0 || (entry & kOfFile) != 0) continue;
    if (++kept > kKeptMax) return false;
    std::memcpy(data_ + page * kPageBytes, frozen_ + page * kPageBytes, kPageBytes);
  }
  return true;
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
