/// One map of a scenario file, with getters for what its values may be. Whatever is wrong is an InputError with its
/// place.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "sim/engine/pcpu_set.hpp"
#include "sim/input/yaml_input.hpp"

namespace assay::scenario {

class Entry {
 public:
  /// A map with no other keys than these.
  Entry(const YamlInput& file, YAML::Node node, std::span<const std::string_view> keys);

  [[nodiscard]] bool has(const char* key) const { return static_cast<bool>(node_[key]); }
  [[nodiscard]] YAML::Node operator[](const char* key) const { return node_[key]; }
  [[nodiscard]] const YAML::Node& node() const { return node_; }
  [[nodiscard]] const YamlInput& file() const { return *file_; }

  [[nodiscard]] std::string text(const char* key) const { return file_->text(node_, key); }
  [[nodiscard]] std::optional<std::string> optional_text(const char* key) const {
    return file_->optional_text(node_, key);
  }
  [[nodiscard]] std::optional<uint64_t> duration(const char* key) const;
  [[nodiscard]] uint64_t duration(const char* key, uint64_t otherwise) const {
    return duration(key).value_or(otherwise);
  }
  /// A duration that must be there and not be 0.
  [[nodiscard]] uint64_t required_duration(const char* key) const;
  [[nodiscard]] std::optional<uint64_t> percent(const char* key) const;
  [[nodiscard]] std::optional<uint32_t> count(const char* key, uint32_t min, uint32_t max) const;
  [[nodiscard]] uint32_t required_count(const char* key, uint32_t min, uint32_t max) const;
  [[nodiscard]] bool flag(const char* key, bool otherwise) const;
  /// pCPUs of a machine with so many of them; not none.
  [[nodiscard]] std::optional<PcpuSet> pcpus(const char* key, uint32_t machine) const;
  /// Which of the names the value is.
  [[nodiscard]] size_t choice(const char* key, std::span<const std::string_view> names) const;

  /// A complaint about the value of a key, or about the whole when there is none.
  [[noreturn]] void fail(const char* key, std::string_view what) const;
  [[noreturn]] void fail(std::string_view what) const { file_->fail(node_, what); }
  void require(const char* key) const;

 private:
  const YamlInput* file_;
  YAML::Node node_;
};

}  // namespace assay::scenario
