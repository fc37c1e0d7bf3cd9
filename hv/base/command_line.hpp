/// Options of the hypervisor's command line: words of the form NAME=VALUE.
#pragma once

#include <string_view>

namespace hv {

/// The value that the last such word gives; empty when there is none.
constexpr std::string_view command_line_option(std::string_view line, std::string_view name) {
  std::string_view value;
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size() == line.size() ? word.size() : word.size() + 1);
    if (word.starts_with(name) && word.substr(name.size()).starts_with('=')) value = word.substr(name.size() + 1);
  }
  return value;
}

}  // namespace hv
