/// Page tables that tell Unicorn which pages a guest may touch, and how.
///
/// Unicorn 2 translates every address to itself, whatever the tables say, but it does look at them: where they allow
/// nothing, the guest gets a page fault, at the right instruction and with the right flags. What it would do without
/// them (an access to an address where nothing is mapped) leaves neither.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace assay::unicorn {

constexpr uint64_t kPageBytes = 4096;

class PresenceTables {
 public:
  /// Bytes that the tables take, all of them.
  static constexpr uint64_t kBytes = 1ull << 20;

  PresenceTables();
  PresenceTables(const PresenceTables&) = delete;
  PresenceTables& operator=(const PresenceTables&) = delete;
  ~PresenceTables();

  [[nodiscard]] uint8_t* host() const { return host_; }
  /// The address at which the processor sees them, to which CR3 has to be set. Forgets everything.
  void move_to(uint64_t address);
  [[nodiscard]] uint64_t address() const { return address_; }
  /// Nothing is allowed.
  void clear();

  /// False when the tables are full: clear() makes room.
  bool allow(uint64_t va, bool is_writable);
  void forbid(uint64_t va);
  [[nodiscard]] bool allows(uint64_t va) const;

 private:
  [[nodiscard]] uint64_t* entry(uint64_t va) const;
  uint64_t* make_entry(uint64_t va);
  [[nodiscard]] uint64_t* table_at(uint64_t entry) const;

  uint8_t* host_;
  uint64_t address_ = 0;
  uint64_t used_ = 0;  ///< bytes
};

}  // namespace assay::unicorn
