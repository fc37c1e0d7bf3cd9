#include "conformance/runner/requirements.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "sim/input/yaml_input.hpp"

namespace assay {
namespace {

constexpr std::array<std::string_view, 3> kLevels{"must", "should", "may"};
constexpr std::array<std::string_view, 3> kStatuses{"read", "observed", "corrected"};
constexpr std::array<std::string_view, 4> kGuests{"pv64", "pv32", "hvm", "toolstack"};

template <size_t kCount>
void expect_one_of(const YamlInput& file, const YAML::Node& entry, const char* key, const std::string& value,
                   const std::array<std::string_view, kCount>& known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  file.fail(entry[key], fmt::format("'{}' is no {}; known are {}", value, key, fmt::join(known, ", ")));
}

bool well_formed_requirement_id(std::string_view id) {
  const bool letters = std::all_of(id.begin(), id.end(),
                                   [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; });
  return letters && id.find('-') != std::string_view::npos && id.front() != '-' && id.back() != '-';
}

Requirement read_requirement(const YamlInput& file, const YAML::Node& entry) {
  file.expect_map(entry, {"id", "hypercall", "operation", "level", "text", "source", "guests", "status", "evidence",
                          "promise", "pv", "hvm", "settled", "uncovered"});
  Requirement made;
  made.id = file.text(entry, "id");
  if (!well_formed_requirement_id(made.id))
    file.fail(entry["id"], fmt::format("'{}' is no id of the form FAMILY-001", made.id));
  made.hypercall = file.text(entry, "hypercall");
  made.operation = file.optional_text(entry, "operation").value_or("");
  made.level = file.text(entry, "level");
  made.text = file.text(entry, "text");
  made.source = file.text(entry, "source");
  made.guests = file.texts(entry, "guests");
  made.status = file.text(entry, "status");
  made.evidence = file.optional_text(entry, "evidence").value_or("");
  made.promise = file.optional_text(entry, "promise").value_or("");
  made.pv = file.optional_text(entry, "pv").value_or("");
  made.hvm = file.optional_text(entry, "hvm").value_or("");
  made.settled = file.optional_text(entry, "settled").value_or("");
  made.uncovered = file.optional_text(entry, "uncovered").value_or("");
  made.place = file.place(entry);
  expect_one_of(file, entry, "level", made.level, kLevels);
  expect_one_of(file, entry, "status", made.status, kStatuses);
  for (const std::string& guest : made.guests) expect_one_of(file, entry, "guests", guest, kGuests);
  if (made.status == "corrected" && made.evidence.empty()) {
    file.fail(entry, fmt::format("{} was corrected: say what was observed, in 'evidence'", made.id));
  }
  return made;
}

}  // namespace

std::vector<Requirement> load_requirements(std::span<const EmbeddedFile> files) {
  std::vector<Requirement> all;
  std::map<std::string, std::string> places;
  for (const EmbeddedFile& embedded : files) {
    const YamlInput file(std::string(embedded.name), embedded.text);
    for (const YAML::Node& entry : file.list()) {
      all.push_back(read_requirement(file, entry));
      const auto [earlier, fresh] = places.emplace(all.back().id, all.back().place);
      if (!fresh) file.fail(entry["id"], fmt::format("{} is defined already, at {}", all.back().id, earlier->second));
    }
  }
  return all;
}

const std::vector<Requirement>& requirements() {
  static const std::vector<Requirement> all = load_requirements(embedded_requirements());
  return all;
}

const Requirement* find_requirement(std::string_view id) {
  const auto found = std::find_if(requirements().begin(), requirements().end(),
                                  [&](const Requirement& candidate) { return candidate.id == id; });
  return found == requirements().end() ? nullptr : &*found;
}

}  // namespace assay
