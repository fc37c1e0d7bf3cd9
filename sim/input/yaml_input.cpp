#include "sim/input/yaml_input.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include "sim/input/input_error.hpp"
#include "sim/input/nearest.hpp"
#include "sim/input/yaml_syntax.hpp"

namespace assay {

namespace {

std::string_view line_of(std::string_view text, const YAML::Mark& mark) {
  for (int line = 0; line < mark.line && !text.empty(); ++line) {
    text.remove_prefix(std::min(text.size(), text.find('\n') == text.npos ? text.size() : text.find('\n') + 1));
  }
  return text.substr(0, text.find('\n'));
}

}  // namespace

YamlInput::YamlInput(std::string name, std::string_view text) : name_(std::move(name)) {
  try {
    root_.reset(YAML::Load(std::string(text)));
  } catch (const YAML::Exception& error) {
    throw InputError(
        fmt::format("{}: {}", place(error.mark), yaml_syntax_in_words(error.msg, line_of(text, error.mark))));
  }
}

YamlInput YamlInput::from_file(const std::string& path) {
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown))
    throw InputError(fmt::format("{}: is a folder; name a file in it", path));
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.is_open()) throw InputError(fmt::format("{}: cannot be read; check the path and its permissions", path));
  return {path, text.str()};
}

std::vector<YAML::Node> YamlInput::list() const {
  if (root_.IsNull()) return {};  // nothing left to announce, comments at most
  if (!root_.IsSequence()) fail(root_, "expected a list of entries, each beginning with '- '");
  return {root_.begin(), root_.end()};
}

void YamlInput::expect_map(const YAML::Node& entry, std::span<const std::string_view> keys) const {
  if (!entry.IsMap()) fail(entry, "expected an entry with 'key: value' lines");
  std::set<std::string> seen;
  for (const auto& pair : entry) {
    const YAML::Node& key = pair.first;
    const auto name = key.IsScalar() ? key.Scalar() : std::string();
    if (std::find(keys.begin(), keys.end(), name) == keys.end()) {
      const std::set<std::string> known(keys.begin(), keys.end());
      fail(key, fmt::format("unknown key '{}'{}; known are {}", name, did_you_mean(nearest(known, name)),
                            fmt::join(keys, ", ")));
    }
    if (!seen.insert(name).second) fail(key, fmt::format("'{}' is given twice", name));
  }
}

std::optional<std::string> YamlInput::optional_text(const YAML::Node& entry, const char* key) const {
  const YAML::Node value = entry[key];
  if (!value) return std::nullopt;
  if (!value.IsScalar()) fail(value, fmt::format("'{}' must be a text", key));
  const std::string& text = value.Scalar();
  if (text.find_first_not_of(" \t\n") == std::string::npos) fail(value, fmt::format("'{}' is empty", key));
  return text;
}

std::string YamlInput::text(const YAML::Node& entry, const char* key) const {
  auto value = optional_text(entry, key);
  if (!value) fail(entry, fmt::format("this entry lacks '{}'", key));
  return *std::move(value);
}

std::vector<std::string> YamlInput::texts(const YAML::Node& entry, const char* key) const {
  const YAML::Node value = entry[key];
  if (!value) fail(entry, fmt::format("this entry lacks '{}'", key));
  if (!value.IsSequence() || value.size() == 0)
    fail(value, fmt::format("'{}' must be a list with at least one text", key));
  std::vector<std::string> all;
  for (const YAML::Node& item : value) {
    if (!item.IsScalar()) fail(item, fmt::format("'{}' must hold texts only", key));
    all.push_back(item.Scalar());
  }
  return all;
}

std::string YamlInput::place(const YAML::Mark& mark) const {
  // yaml-cpp counts from 0, and marks an empty document with -1.
  return fmt::format("{}:{}:{}", name_, std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1);
}

std::string YamlInput::place(const YAML::Node& node) const {
  return place(node.Mark());
}

void YamlInput::fail(const YAML::Node& node, std::string_view what) const {
  throw InputError(fmt::format("{}: {}", place(node), what));
}

}  // namespace assay
