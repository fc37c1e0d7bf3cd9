/// Reading YAML that people write: every complaint is an InputError that begins with file:line:column.
#pragma once

#include <yaml-cpp/yaml.h>

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

class YamlInput {
 public:
  /// Parses `text`; `name` is what messages call it.
  YamlInput(std::string name, std::string_view text);
  /// Reads and parses a file.
  static YamlInput from_file(const std::string& path);

  /// The document's entries; it must be a list.
  [[nodiscard]] std::vector<YAML::Node> list() const;
  [[nodiscard]] const YAML::Node& root() const { return root_; }
  /// `entry` must be a map with no other keys than these, each at most once. A wrong one is told the nearest.
  void expect_map(const YAML::Node& entry, std::span<const std::string_view> keys) const;
  void expect_map(const YAML::Node& entry, std::initializer_list<std::string_view> keys) const {
    expect_map(entry, std::span(keys.begin(), keys.size()));
  }
  /// A text that must be there and not be blank.
  [[nodiscard]] std::string text(const YAML::Node& entry, const char* key) const;
  [[nodiscard]] std::optional<std::string> optional_text(const YAML::Node& entry, const char* key) const;
  [[nodiscard]] std::vector<std::string> texts(const YAML::Node& entry, const char* key) const;
  /// file:line:column of a node, and a complaint about it.
  [[nodiscard]] std::string place(const YAML::Node& node) const;
  [[noreturn]] void fail(const YAML::Node& node, std::string_view what) const;

 private:
  [[nodiscard]] std::string place(const YAML::Mark& mark) const;
  std::string name_;
  YAML::Node root_;
};

}  // namespace assay
