/// The RAM of the emulated machine, shared with QEMU: an anonymous file that vanishes with the last process that has
/// it.
#pragma once

#include <cstdint>
#include <string>

#include "sim/base/strong.hpp"
#include "sim/target/xen/file_descriptor.hpp"

namespace assay::xen {

class SharedRam {
 public:
  /// Throws TargetUnavailable when the machine has not enough memory.
  explicit SharedRam(uint64_t bytes);
  SharedRam(const SharedRam&) = delete;
  SharedRam& operator=(const SharedRam&) = delete;
  ~SharedRam();

  /// Valid in processes that inherited the descriptor.
  [[nodiscard]] std::string path() const;
  [[nodiscard]] int fd() const { return file_.get(); }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  /// Start of a machine frame. HarnessFault when it lies outside of RAM.
  [[nodiscard]] uint8_t* frame(Mfn mfn) const;

 private:
  FileDescriptor file_;
  uint64_t bytes_;
  uint8_t* base_;
};

}  // namespace assay::xen
