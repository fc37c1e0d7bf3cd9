#include "sim/toolstack/acpi.hpp"

#include <cstring>
#include <numeric>
#include <string_view>

#include "sim/base/strong.hpp"

namespace assay::toolstack {

namespace {

constexpr size_t kHeaderBytes = 36;
constexpr size_t kRootBytes = 36, kRootFirstBytes = 20;
constexpr size_t kFadtBytes = 268;
constexpr uint64_t kLocalApic = 0xfee00000;

/// Bytes that grow; numbers are little-endian.
class Table {
 public:
  explicit Table(size_t bytes) : bytes_(bytes) {}
  template <typename T>
  Table& put(size_t at, T value) {
    std::memcpy(&bytes_[at], &value, sizeof value);
    return *this;
  }
  Table& text(size_t at, std::string_view value) {
    std::memcpy(&bytes_[at], value.data(), value.size());
    return *this;
  }
  /// Makes the bytes of a part sum up to 0.
  Table& sum(size_t at, size_t bytes) {
    bytes_[at] = std::byte{0};
    const unsigned total = std::accumulate(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(bytes), 0u,
                                           [](unsigned so_far, std::byte byte) { return so_far + unsigned(byte); });
    return put(at, static_cast<uint8_t>(0u - total));
  }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

Table with_header(std::string_view signature, uint8_t revision, size_t bytes) {
  Table table(bytes);
  table.text(0, signature)
      .put(4, static_cast<uint32_t>(bytes))
      .put(8, revision)
      .text(10, "Assay ")
      .text(16, "GUEST   ");
  table.put(24, uint32_t{1}).text(28, "ASSY").put(32, uint32_t{1});
  return table;
}

std::vector<std::byte> finished(Table table, size_t bytes) {
  constexpr size_t kChecksum = 9;
  return table.sum(kChecksum, bytes).take();
}

std::vector<std::byte> fadt(uint64_t dsdt) {
  constexpr uint8_t kRevision = 5;
  constexpr uint32_t kReducedHardware = 1u << 20;
  constexpr uint16_t kNoVga = 1u << 2, kNoClock = 1u << 5;
  Table table = with_header("FACP", kRevision, kFadtBytes);
  table.put(40, static_cast<uint32_t>(dsdt)).put(109, static_cast<uint16_t>(kNoVga | kNoClock));
  table.put(112, kReducedHardware).put(140, dsdt);
  return finished(std::move(table), kFadtBytes);
}

std::vector<std::byte> madt(uint32_t vcpus) {
  constexpr uint8_t kRevision = 4, kLocal = 0, kLocalBytes = 8;
  constexpr size_t kFirst = kHeaderBytes + 8;
  constexpr uint32_t kEnabled = 1;
  const size_t bytes = kFirst + vcpus * size_t{kLocalBytes};
  Table table = with_header("APIC", kRevision, bytes);
  table.put(kHeaderBytes, static_cast<uint32_t>(kLocalApic));
  for (uint32_t vcpu = 0; vcpu < vcpus; ++vcpu) {
    const size_t at = kFirst + vcpu * size_t{kLocalBytes};
    // The hypervisor numbers local APICs by twos.
    table.put(at, kLocal).put(at + 1, kLocalBytes).put(at + 2, static_cast<uint8_t>(vcpu));
    table.put(at + 3, static_cast<uint8_t>(vcpu * 2)).put(at + 4, kEnabled);
  }
  return finished(std::move(table), bytes);
}

std::vector<std::byte> xsdt(const std::vector<uint64_t>& tables) {
  const size_t bytes = kHeaderBytes + tables.size() * sizeof(uint64_t);
  Table table = with_header("XSDT", 1, bytes);
  for (size_t i = 0; i < tables.size(); ++i) table.put(kHeaderBytes + i * sizeof(uint64_t), tables[i]);
  return finished(std::move(table), bytes);
}

std::vector<std::byte> root(uint64_t xsdt) {
  constexpr uint8_t kRevision = 2;
  Table table(kRootBytes);
  table.text(0, "RSD PTR ").text(9, "Assay ").put(15, kRevision).put(20, static_cast<uint32_t>(kRootBytes));
  table.put(24, xsdt).sum(8, kRootFirstBytes).sum(32, kRootBytes);
  return table.take();
}

}  // namespace

std::vector<std::byte> acpi_tables(uint64_t physical, uint32_t vcpus) {
  std::vector<std::byte> page(kPageSize);
  size_t next = 64;  // behind the root pointer
  const auto place = [&](const std::vector<std::byte>& table) {
    const size_t at = next;
    std::memcpy(&page[at], table.data(), table.size());
    next = (at + table.size() + 15) / 16 * 16;
    return physical + at;
  };
  const uint64_t dsdt = place(finished(with_header("DSDT", 2, kHeaderBytes), kHeaderBytes));
  const uint64_t fixed = place(fadt(dsdt));
  const uint64_t processors = place(madt(vcpus));
  const uint64_t list = place(xsdt({fixed, processors}));
  const std::vector<std::byte> pointer = root(list);
  std::memcpy(page.data(), pointer.data(), pointer.size());
  return page;
}

}  // namespace assay::toolstack
