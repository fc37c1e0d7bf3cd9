#include "fuzz/faults/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "fuzz/faults/embedded.hpp"
#include "sim/input/input_error.hpp"
#include "sim/input/nearest.hpp"

namespace assay {
namespace {

constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_.";

bool well_formed(const std::string& name) {
  return name.find_first_not_of(kNameCharacters) == std::string::npos && name.find('.') != std::string::npos;
}

std::set<std::string> names() {
  std::set<std::string> all;
  for (const Fault& fault : all_faults()) all.insert(fault.name);
  return all;
}

/// The names themselves and what stands before their dots.
std::set<std::string> names_and_prefixes() {
  std::set<std::string> all = names();
  for (const Fault& fault : all_faults()) all.insert(fault.name.substr(0, fault.name.find('.')));
  return all;
}

InputError no_such(std::string_view option, const std::string& wrong, std::string_view what,
                   const std::set<std::string>& known) {
  return InputError(fmt::format("{} {}: {}{}; `assay list faults` prints all", option, wrong, what,
                                did_you_mean(nearest(known, wrong))));
}

}  // namespace

std::vector<Fault> read_faults(const YamlInput& file) {
  std::vector<Fault> faults;
  std::set<std::string> names;
  for (const YAML::Node& entry : file.list()) {
    file.expect_map(entry, {"name", "subsystem", "where", "models", "what"});
    faults.push_back({file.text(entry, "name"), file.text(entry, "subsystem"), file.text(entry, "where"),
                      file.text(entry, "models"), file.text(entry, "what"), static_cast<uint32_t>(faults.size())});
    const std::string& name = faults.back().name;
    if (!well_formed(name)) {
      file.fail(entry["name"], fmt::format("'{}' is no name: SUBSYSTEM.WHAT_GOES_WRONG, in lower case", name));
    }
    if (!names.insert(name).second) file.fail(entry["name"], fmt::format("{} is there already", name));
  }
  return faults;
}

const std::vector<Fault>& all_faults() {
  static const std::vector<Fault> kFaults = [] {
    const EmbeddedFile& file = embedded_faults().front();
    return read_faults(YamlInput(std::string(file.name), file.text));
  }();
  return kFaults;
}

const Fault& find_fault(const std::string& name) {
  const auto found = std::ranges::find(all_faults(), name, &Fault::name);
  if (found == all_faults().end()) throw no_such("--fault", name, "no such planted fault", names());
  return *found;
}

std::vector<Fault> select_faults(const std::vector<std::string>& prefixes) {
  if (prefixes.empty()) return all_faults();
  for (const std::string& prefix : prefixes) {
    const bool any =
        std::ranges::any_of(all_faults(), [&](const Fault& fault) { return fault.name.starts_with(prefix); });
    if (!any) throw no_such("--select", prefix, "no planted fault begins with this", names_and_prefixes());
  }
  std::vector<Fault> selected;
  std::ranges::copy_if(all_faults(), std::back_inserter(selected), [&](const Fault& fault) {
    return std::ranges::any_of(prefixes, [&](const std::string& prefix) { return fault.name.starts_with(prefix); });
  });
  return selected;
}

}  // namespace assay
