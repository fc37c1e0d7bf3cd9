/// HVM save records as a control domain gets and sets them.
#pragma once

#include <cstddef>
#include <vector>

#include "conformance/guest/control_ops.hpp"

namespace assay {

/// One record of a stream.
struct HvmRecord {
  uint16_t type;
  uint16_t instance;
  std::vector<std::byte> body;
  bool operator==(const HvmRecord&) const = default;
};

class HvmContextOps {
 public:
  HvmContextOps(Vcpu& vcpu, DomId dom) : ops_(vcpu), buffer_(vcpu, kBufferPages), dom_(dom) {}

  /// gethvmcontext with room for `bytes`; a null buffer when `with_buffer` is false.
  Called<xen_domctl_t> get(uint32_t bytes, bool with_buffer = true);
  int64_t set(const std::vector<std::byte>& stream);
  Called<xen_domctl_t> get_partial(uint32_t type, uint32_t instance, uint64_t bytes, bool with_buffer = true);
  /// What the last get left in the buffer.
  [[nodiscard]] std::vector<std::byte> bytes(uint64_t count) const;
  /// The whole stream; HarnessFault when there is none.
  std::vector<std::byte> save();

  static constexpr uint64_t kBufferBytes = 8 * kPageSize;

 private:
  static constexpr uint64_t kBufferPages = kBufferBytes / kPageSize;
  DomctlOps ops_;
  Scratch buffer_;
  DomId dom_;
};

/// The records up to the end marker, which is one of them. HarnessFault when they do not fill the stream.
std::vector<HvmRecord> parse_hvm_stream(const std::vector<std::byte>& stream);
std::vector<std::byte> make_hvm_stream(const std::vector<HvmRecord>& records);

}  // namespace assay
