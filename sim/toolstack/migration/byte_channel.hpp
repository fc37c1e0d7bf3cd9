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
  /// The next `bytes` where they lie, for as long as the source's own bytes do; they count as read. Nothing, and none
  /// is read, where they do not lie in one piece: read() has them.
  virtual std::span<const std::byte> read_in_place(size_t bytes);
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
  std::span<const std::byte> read_in_place(size_t bytes) override;

 private:
  std::span<const std::byte> rest_;
};

}  // namespace assay::migration
