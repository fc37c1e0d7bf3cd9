#include "sim/input/json_place.hpp"

#include <algorithm>
#include <optional>

namespace assay {
namespace {

/// Walks over valid JSON. Anything that turns out not to be stops at the end of the text.
class Walker {
 public:
  Walker(std::string_view text, size_t at) : text_(text), at_(at) { skip_space(); }

  [[nodiscard]] size_t at() const { return at_; }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    skip_space();
    return true;
  }
  /// A string as it is written, without quotes.
  std::string_view take_string() {
    const size_t start = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? size_t{2} : size_t{1};
    const size_t end = std::min(at_, text_.size());
    at_ = std::min(end + 1, text_.size());
    skip_space();
    return text_.substr(start, end - start);
  }
  void skip_value() {
    size_t depth = 0;
    do {
      const char c = peek();
      if (c == '"') {
        take_string();
      } else if (c == '{' || c == '[') {
        ++depth;
        take(c);
      } else if (c == '}' || c == ']') {
        --depth;
        take(c);
      } else {
        skip_word();
      }
    } while (depth != 0 && at_ < text_.size());
  }

 private:
  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
  /// A number, true, false or null; or one separator.
  void skip_word() {
    const size_t end = text_.find_first_of(",:[]{}\" \t\r\n", at_);
    at_ = std::min(end == at_ ? at_ + 1 : end, text_.size());
    skip_space();
  }
  std::string_view text_;
  size_t at_;
};

std::optional<size_t> find_member(std::string_view text, size_t object, const std::string& key) {
  Walker walker(text, object);
  walker.take('{');
  while (walker.peek() == '"') {
    const bool found = walker.take_string() == key;
    walker.take(':');
    if (found) return walker.at();
    walker.skip_value();
    walker.take(',');
  }
  return std::nullopt;
}

std::optional<size_t> find_element(std::string_view text, size_t array, const std::string& index) {
  Walker walker(text, array);
  walker.take('[');
  for (size_t left = std::stoul(index); left != 0 && walker.peek() != ']'; --left) {
    walker.skip_value();
    walker.take(',');
  }
  return walker.peek() == ']' || walker.peek() == '\0' ? std::nullopt : std::optional(walker.at());
}

}  // namespace

TextPlace place_of_byte(std::string_view text, size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte, text.size()));
  const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return {1 + static_cast<size_t>(std::count(before.begin(), before.end(), '\n')), 1 + before.size() - line_start};
}

size_t find_value(std::string_view text, const std::vector<std::string>& path) {
  size_t at = Walker(text, 0).at();
  for (const std::string& step : path) {
    const char kind = Walker(text, at).peek();
    std::optional<size_t> next;
    if (kind == '{') next = find_member(text, at, step);
    if (kind == '[') next = find_element(text, at, step);
    if (!next) break;
    at = *next;
  }
  return at;
}

}  // namespace assay
