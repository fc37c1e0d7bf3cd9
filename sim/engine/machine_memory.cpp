#include "sim/engine/machine_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
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
}

void MachineMemory::rewind() {
  if (madvise(data_, bytes_, MADV_DONTNEED) != 0) fail("rewinding the machine's memory");
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
