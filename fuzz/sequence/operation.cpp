#include "fuzz/sequence/operation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ranges>
#include <span>
#include <stdexcept>

#include "fuzz/sequence/family.hpp"

namespace assay::fuzz {
namespace {

[[noreturn]] void refuse(size_t index, std::string_view word, std::string_view why) {
  throw std::invalid_argument(fmt::format("operation {}, \"{}\": {}", index + 1, word, why));
}

/// Takes a number off the front of `text`.
bool take_number(std::string_view& text, uint32_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

void parse_arguments(Operation& operation, std::string_view rest, size_t index, std::string_view word) {
  if (!take(rest, '(')) refuse(index, word, "expected NAME@ACTOR(ARGUMENT,...)");
  for (size_t i = 0; !take(rest, ')'); ++i) {
    uint32_t value = 0;
    if (i == operation.arg.size()) refuse(index, word, "too many arguments");
    if (i != 0 && !take(rest, ',')) refuse(index, word, "expected a comma or a closing parenthesis");
    if (!take_number(rest, value) || value > UINT16_MAX) refuse(index, word, "arguments are numbers up to 65535");
    operation.arg[i] = static_cast<uint16_t>(value);
  }
  if (!rest.empty()) refuse(index, word, "something follows the closing parenthesis");
}

Operation parse(const Family& family, std::string_view word, size_t index) {
  const size_t at = word.find('@');
  const std::string_view name = word.substr(0, at);
  const auto kinds = family.kinds;
  const auto kind = std::ranges::find(kinds, name, &OperationKind::name);
  if (kind == kinds.end()) {
    refuse(index, word,
           fmt::format("family {} has no such operation; it has {}", family.name,
                       fmt::join(kinds | std::views::transform(&OperationKind::name), ", ")));
  }
  if (at == std::string_view::npos) refuse(index, word, "expected NAME@ACTOR(ARGUMENT,...)");
  Operation operation{.kind = static_cast<uint8_t>(kind - kinds.begin())};
  std::string_view rest = word.substr(at + 1);
  uint32_t actor = 0;
  if (!take_number(rest, actor) || actor >= family.actors) {
    refuse(index, word, fmt::format("the actor is a number below {}", family.actors));
  }
  operation.actor = static_cast<uint8_t>(actor);
  parse_arguments(operation, rest, index, word);
  return operation;
}

}  // namespace

std::string to_text(const Family& family, const Sequence& sequence) {
  std::string text;
  for (const Operation& operation : sequence) {
    const OperationKind& kind = family.kinds[operation.kind];
    const auto arguments = std::span(operation.arg).first(kind.arguments);
    if (!text.empty()) text += ' ';
    text += fmt::format("{}@{}({})", kind.name, operation.actor, fmt::join(arguments, ","));
  }
  return text;
}

Sequence sequence_from_text(const Family& family, std::string_view text) {
  Sequence sequence;
  for (const auto part : std::views::split(text, ' ')) {
    const std::string_view word(part.begin(), part.end());
    if (!word.empty()) sequence.push_back(parse(family, word, sequence.size()));
  }
  return sequence;
}

Sequence sequence_from_bytes(const Family& family, std::string_view bytes) {
  Sequence sequence(bytes.size() / kOperationBytes);
  for (size_t i = 0; i < sequence.size(); ++i) {
    Operation& operation = sequence[i];
    const char* const at = bytes.data() + i * kOperationBytes;
    operation.kind = static_cast<uint8_t>(static_cast<uint8_t>(at[0]) % family.kinds.size());
    operation.actor = static_cast<uint8_t>(static_cast<uint8_t>(at[1]) % family.actors);
    std::memcpy(operation.arg.data(), at + 2, sizeof operation.arg);
  }
  return sequence;
}

std::string to_bytes(const Sequence& sequence) {
  std::string bytes;
  for (const Operation& operation : sequence) {
    bytes += static_cast<char>(operation.kind);
    bytes += static_cast<char>(operation.actor);
    bytes.append(reinterpret_cast<const char*>(operation.arg.data()), sizeof operation.arg);
  }
  return bytes;
}

}  // namespace assay::fuzz
