#include "sim/target/xen/shared_ram.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "sim/target/target.hpp"

namespace assay::xen {

namespace {

[[noreturn]] void fail(const char* step, uint64_t bytes) {
  throw TargetUnavailable("target xen: no memory for a machine of " + std::to_string(bytes >> 20) + " MiB (" + step +
                          ": " + std::strerror(errno) + "); free some memory and try again");
}

}  // namespace

SharedRam::SharedRam(uint64_t bytes) : file_(memfd_create("assay-ram", MFD_CLOEXEC)), bytes_(bytes), base_(nullptr) {
  if (file_.get() < 0) fail("memfd_create", bytes);
  if (ftruncate(file_.get(), static_cast<off_t>(bytes)) != 0) fail("ftruncate", bytes);
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  if (mapped == MAP_FAILED) fail("mmap", bytes);
  base_ = static_cast<uint8_t*>(mapped);
}

SharedRam::~SharedRam() {
  munmap(base_, bytes_);
}

std::string SharedRam::path() const {
  return "/proc/self/fd/" + std::to_string(file_.get());
}

// RAM of a machine of this size lies below the PCI hole in one piece: machine address = offset in the file.
uint8_t* SharedRam::frame(Mfn mfn) const {
  if (mfn.raw() >= bytes_ / kPageSize) {
    throw HarnessFault("machine frame " + std::to_string(mfn.raw()) + " lies outside of the machine's RAM");
  }
  return base_ + mfn.raw() * kPageSize;
}

}  // namespace assay::xen
