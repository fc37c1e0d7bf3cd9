/// Grant tables of some domains, versions 1 and 2: what every operation answers, whose pages change, and the bits that
/// granters see in their entries.
///
/// Sources: the requirements GNT-MAP, -UNMAP, -COPY, -VER, -SWAP and -V2. Entries are written by guests with no pin on
/// them; what a guest does to an entry in use is revoke() alone.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace assay::model {

class GrantModel {
 public:
  static constexpr uint32_t kWords = 4;  ///< of a page, that the model knows
  using Page = std::array<uint64_t, kWords>;
  static constexpr uint32_t kPinsMax = 128;
  static constexpr uint32_t kReserved = 8;  ///< references that a change of version keeps

  struct Entry {
    uint16_t type = 0;  ///< GTF_invalid or GTF_permit_access
    bool is_readonly = false;
    uint16_t to = 0;
    uint32_t page = 0;  ///< of the granter; kNoPage: a frame that is no memory
    uint32_t read_pins = 0, write_pins = 0;
    bool is_reading = false, is_writing = false;  ///< GTF_reading, GTF_writing where the granter sees them
    uint16_t pinned_by = 0;
    uint32_t pinned_page = 0;
    [[nodiscard]] bool is_pinned() const { return read_pins + write_pins != 0; }
  };
  static constexpr uint32_t kNoPage = UINT32_MAX;

  struct Mapping {
    uint16_t granter = 0;
    uint32_t ref = 0;
    uint32_t page = 0;
    bool is_readonly = false;
    uint32_t window = 0;
    bool is_there = true;  ///< the host mapping has not been taken away
  };

  struct Domain {
    uint32_t version = 1;
    uint32_t refs = 0;  ///< of version 1; half as many of version 2
    std::map<uint32_t, Entry> entries;
    std::vector<Page> pages;
    std::map<uint32_t, Mapping> mappings;  ///< by a number of our own, in the order they were made
    uint32_t next_mapping = 0;
    [[nodiscard]] uint32_t refs_now() const { return version == 1 ? refs : refs / 2; }
  };

  void add_domain(uint16_t id, uint32_t refs, uint32_t pages);
  [[nodiscard]] Domain& domain(uint16_t id) { return domains_.at(id); }
  [[nodiscard]] const Domain& domain(uint16_t id) const { return domains_.at(id); }
  [[nodiscard]] bool exists(uint16_t id) const { return domains_.contains(id); }

  /// The granter writes an entry that is not pinned.
  void permit(uint16_t granter, uint32_t ref, uint16_t to, uint32_t page, bool is_readonly);
  /// The granter clears the flags word. With version 1 that takes GTF_reading and GTF_writing along.
  void revoke(uint16_t granter, uint32_t ref);

  /// A host mapping at a window where nothing is. The status, and on success the mapping's number.
  struct Mapped {
    int16_t status;
    uint32_t mapping = 0;
  };
  Mapped map(uint16_t mapper, uint16_t granter, uint32_t ref, uint32_t window, bool is_readonly);
  /// `mapping` is one of the mapper's; nothing for a handle that never was, or is no more. `window` is where the caller
  /// says that it is; nothing for an address of 0.
  int16_t unmap(uint16_t mapper, std::optional<uint32_t> mapping, std::optional<uint32_t> window);

  /// One side of a copy of one word: a grant, or a page of the caller's own.
  struct Side {
    bool is_ref = false;
    uint16_t dom = 0;  ///< of a grant
    uint32_t number = 0;
    uint32_t word = 0;
  };
  int16_t copy(uint16_t caller, const Side& from, const Side& to);
  int16_t swap(uint16_t caller, uint32_t a, uint32_t b);
  /// Result of set_version; the version in force is domain().version.
  int64_t set_version(uint16_t caller, uint32_t version);

 private:
  [[nodiscard]] int16_t may_pin(uint16_t user, uint16_t granter, uint32_t ref, bool is_readonly) const;
  void pin(uint16_t user, uint16_t granter, uint32_t ref, bool is_readonly);
  int16_t take(uint16_t caller, const Side& side, bool is_readonly, Page*& page);
  void let_go(const Side& side, bool is_readonly);
  /// Whether the entry is looked at, and written to: the pins do not give such a right.
  [[nodiscard]] static bool needs_entry(const Entry& entry, bool is_readonly);
  void unpin(uint16_t granter, uint32_t ref, bool is_readonly);

  std::map<uint16_t, Domain> domains_;
};

}  // namespace assay::model
