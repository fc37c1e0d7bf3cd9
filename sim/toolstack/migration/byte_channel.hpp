/// Where the bytes of a stream go, and where they come from.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace assay::migration {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  /// All of them, or an exception of the implementation's.
  virtual void write(std::span<const std::byte> bytes) = 0;
};

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Up to `out.size()` bytes; fewer than that only where the source ends. Returns how many.
  virtual size_t read(std::span<std::byte> out) = 0;
};

class MemorySink final : public ByteSink {
 public:
  void write(std::span<const std::byte> bytes) override { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads bytes that stay where they are.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : rest_(bytes) {}
  size_t read(std::span<std::byte> out) override;

 private:
  std::span<const std::byte> rest_;
};

}  // namespace assay::migration
