#include "sim/input/yaml_syntax.hpp"

#include <fmt/format.h>
#include <yaml-cpp/exceptions.h>

#include <array>
#include <string_view>

namespace assay {
namespace {

namespace Found = YAML::ErrorMsg;

struct Words {
  std::string_view found;  ///< how the parser's message begins
  std::string_view words;
};

/// The parser has its messages in variables.
const auto kWords = std::to_array<Words>({
    {Found::END_OF_MAP_FLOW, "a '{' before has no '}', or a ',' lacks between two of its entries"},
    {Found::END_OF_MAP, "expected a further 'key: value', as far to the right as those before"},
    {Found::END_OF_SEQ_FLOW, "a '[' before has no ']', or a ',' lacks between two of its entries"},
    {Found::END_OF_SEQ, "expected a further '- ' entry, as far to the right as those before"},
    {Found::FLOW_END, "a '}' or ']' that closes nothing"},
    {Found::BLOCK_ENTRY, "a '- ' entry where none can be; begin it on a line of its own"},
    {Found::MAP_KEY, "a key where none can be; look for a '}', ']' or quote that lacks before"},
    {Found::MAP_VALUE, "a ':' where none can be; put a text that contains one into quotes"},
    {Found::EOF_IN_SCALAR, "a quote that opens a text before is never closed"},
    {Found::UNKNOWN_TOKEN, "a character with which nothing can begin; put a text that begins with it into quotes"},
    {Found::DOC_IN_SCALAR, "'---' or '...' within a text in quotes"},
    {Found::INVALID_ESCAPE, "no such escape after '\\'; in a text in \"\", write \\\\ for a backslash"},
    {Found::UNKNOWN_ANCHOR, "an '*' that refers to nothing; put a text that begins with '*' into quotes"},
    {Found::ALIAS_NOT_FOUND, "an '*' without a name behind it; put a text that begins with '*' into quotes"},
    {Found::ANCHOR_NOT_FOUND, "an '&' without a name behind it; put a text that begins with '&' into quotes"},
});

}  // namespace

std::string yaml_syntax_in_words(const std::string& found, std::string_view line) {
  // The parser itself stumbles over what comes behind a tab.
  const std::string_view indentation = line.substr(0, line.find_first_not_of(" \t"));
  if (indentation.find('\t') != std::string_view::npos) return "a tab in the indentation; use spaces";
  for (const Words& known : kWords) {
    if (found.starts_with(known.found)) return std::string(known.words);
  }
  return fmt::format("this is not YAML ({}); look for brackets, quotes and indentation that do not fit", found);
}

}  // namespace assay
