#include "sim/devices/store_path.hpp"

#include <algorithm>
#include <charconv>

#include "sim/devices/device_abi.hpp"

namespace assay {

namespace {

bool is_path_character(char c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || (c >= '0' && c <= '9') || c == '-' || c == '/' || c == '_' || c == '@';
}

bool is_well_formed(std::string_view path) {
  if (path == "/") return true;
  return path.starts_with('/') && !path.ends_with('/') && path.find("//") == std::string_view::npos &&
         std::ranges::all_of(path, is_path_character);
}

}  // namespace

std::string domain_path(DomId domain) {
  return "/local/domain/" + std::to_string(domain.raw());
}

std::optional<std::string> absolute_path(DomId domain, std::string_view path) {
  if (path.empty() || is_special_path(path)) return std::nullopt;
  const bool is_relative = path.front() != '/';
  if (path.size() > (is_relative ? XENSTORE_REL_PATH_MAX : XENSTORE_ABS_PATH_MAX)) return std::nullopt;
  std::string absolute = is_relative ? child_path(domain_path(domain), path) : std::string(path);
  if (absolute.size() > XENSTORE_ABS_PATH_MAX || !is_well_formed(absolute)) return std::nullopt;
  return absolute;
}

bool is_special_path(std::string_view path) {
  return path.starts_with('@');
}

bool is_valid_special_path(std::string_view path) {
  return is_special_path(path) && path.size() <= XENSTORE_REL_PATH_MAX;
}

bool is_at_or_below(std::string_view path, std::string_view top) {
  if (path == top) return true;
  if (top == "/") return path.starts_with('/');
  return path.size() > top.size() && path.starts_with(top) && path[top.size()] == '/';
}

std::string_view parent_path(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

std::string_view leaf_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string child_path(std::string_view parent, std::string_view name) {
  std::string path(parent);
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

std::optional<DomId> parse_domid(std::string_view text) {
  uint16_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return DomId{value};
}

}  // namespace assay
