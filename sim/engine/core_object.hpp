/// A hypervisor core as a shared object: loaded, checked, and refused with a reason a user can act on.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/port/port.h"

namespace assay {

/// The file is not a core that this host can run: says which file, what is wrong and what to do.
class CoreRefused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class CoreObject {
 public:
  /// Every object has data of its own, those of the same file as well. Throws CoreRefused. Checks, in order: readable;
  /// ELF64 shared object for x86-64; loads with all its symbols; exports assay_core; of the full size; same major
  /// version; minor version no greater than ours; functions present.
  explicit CoreObject(const std::filesystem::path& path);
  CoreObject(const CoreObject&) = delete;
  CoreObject& operator=(const CoreObject&) = delete;
  ~CoreObject();

  [[nodiscard]] const assay_core& core() const { return *core_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string name() const { return core_->name != nullptr ? core_->name : "unnamed"; }
  [[nodiscard]] std::string version() const { return core_->version != nullptr ? core_->version : "unknown"; }

  /// What the object keeps in its own writable data: copied and put back, so that each machine starts with fresh
  /// statics.
  using Data = std::vector<std::byte>;
  [[nodiscard]] Data save_data() const;
  void restore_data(const Data& data) const;
  /// The data as it was when the object was loaded.
  [[nodiscard]] const Data& initial_data() const { return initial_data_; }
  /// See kPlacesSection; empty for a core in which no bug is planted.
  [[nodiscard]] std::span<uint8_t> places() const { return places_; }
  /// "hv.so+0x1234" for an address in the object, otherwise empty.
  [[nodiscard]] std::string describe_address(uintptr_t address) const;

 private:
  void load();
  void unload();
  void find_symbol();
  void check_versions() const;
  void find_segments();

  std::filesystem::path path_;
  int copy_ = -1;  ///< file of this object's own, when another one has the same file loaded
  void* handle_ = nullptr;
  const assay_core* core_ = nullptr;
  uintptr_t base_ = 0;
  uintptr_t end_ = 0;
  std::vector<std::span<std::byte>> writable_;
  std::span<uint8_t> places_;
  Data initial_data_;
};

}  // namespace assay
