#include "conformance/runner/profiles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "conformance/runner/embedded.hpp"
#include "conformance/runner/requirements.hpp"
#include "sim/input/input_error.hpp"
#include "sim/input/nearest.hpp"

namespace assay {
namespace {

constexpr std::array kAllCapabilities{Capability::kDom0,        Capability::kPv64Guest,   Capability::kPvhGuest,
                                      Capability::kTwoGuests,   Capability::kThreeGuests, Capability::kMultiVcpu,
                                      Capability::kConsoleText, Capability::kVirtualTime, Capability::kSteer,
                                      Capability::kRtds,        Capability::kArinc653};

bool well_formed_profile_id(std::string_view id) {
  return !id.empty() && id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

/// Profiles while their inclusions are being resolved.
class Loader {
 public:
  explicit Loader(const std::vector<Variant>& all) : all_(all) {}

  void read(const YamlInput& file) {
    for (const YAML::Node& entry : file.list()) read_entry(file, entry);
  }

  std::vector<Profile> resolve() {
    std::vector<Profile> made;
    for (const std::string& id : order_) made.push_back(resolve(id, {}));
    return made;
  }

 private:
  struct Entry {
    const YamlInput* file;
    YAML::Node node;
    Profile profile;  ///< own capabilities only, and no cases, until it is resolved
    std::vector<std::string> requirement_prefixes;
    std::vector<std::string> case_prefixes;
    bool resolved = false;
  };

  static std::vector<std::string> optional_texts(const YamlInput& file, const YAML::Node& entry, const char* key) {
    return entry[key] ? file.texts(entry, key) : std::vector<std::string>();
  }

  void read_entry(const YamlInput& file, const YAML::Node& node) {
    file.expect_map(node, {"id", "title", "includes", "capabilities", "requirements", "cases"});
    Entry entry{&file, node, {}, {}, {}};
    Profile& profile = entry.profile;
    profile.id = file.text(node, "id");
    if (!well_formed_profile_id(profile.id)) {
      file.fail(node["id"], fmt::format("'{}' is no id: lower-case letters, digits and '-' only", profile.id));
    }
    profile.title = file.text(node, "title");
    profile.place = file.place(node);
    profile.includes = optional_texts(file, node, "includes");
    read_capabilities(entry);
    entry.requirement_prefixes = optional_texts(file, node, "requirements");
    entry.case_prefixes = optional_texts(file, node, "cases");
    check_prefixes(entry);
    const auto [earlier, fresh] = entries_.emplace(profile.id, entry);
    if (!fresh) {
      file.fail(node["id"], fmt::format("{} is defined already, at {}", profile.id, earlier->second.profile.place));
    }
    order_.push_back(profile.id);
  }

  static void read_capabilities(Entry& entry) {
    const auto names = optional_texts(*entry.file, entry.node, "capabilities");
    for (size_t i = 0; i < names.size(); ++i) {
      const auto capability = capability_from(names[i]);
      if (!capability) {
        std::vector<std::string_view> known;
        for (const Capability each : kAllCapabilities) known.push_back(to_string(each));
        entry.file->fail(entry.node["capabilities"][i],
                         fmt::format("no such capability: {}; known are {}", names[i], fmt::join(known, ", ")));
      }
      entry.profile.capabilities.insert(*capability);
    }
  }

  void check_prefixes(const Entry& entry) const {
    for (size_t i = 0; i < entry.requirement_prefixes.size(); ++i) {
      const std::string& prefix = entry.requirement_prefixes[i];
      std::set<std::string> ids;
      for (const Requirement& requirement : requirements()) ids.insert(requirement.id);
      const auto next = ids.lower_bound(prefix);
      if (next == ids.end() || !next->starts_with(prefix)) {
        entry.file->fail(entry.node["requirements"][i],
                         fmt::format("no requirement begins with {}{}", prefix, did_you_mean(nearest(ids, prefix))));
      }
    }
    for (size_t i = 0; i < entry.case_prefixes.size(); ++i) {
      const std::string& prefix = entry.case_prefixes[i];
      if (std::none_of(all_.begin(), all_.end(), [&](const Variant& each) { return each.id.starts_with(prefix); })) {
        entry.file->fail(entry.node["cases"][i],
                         fmt::format("no case begins with {}{}", prefix, did_you_mean(suggest(all_, prefix))));
      }
    }
  }

  const Profile& resolve(const std::string& id, std::vector<std::string> way) {
    Entry& entry = entries_.at(id);
    if (entry.resolved) return entry.profile;
    way.push_back(id);
    for (size_t i = 0; i < entry.profile.includes.size(); ++i) include(entry, i, way);
    for (const Variant& variant : all_) {
      if (belongs(entry, variant)) entry.profile.cases.insert(variant.id);
    }
    if (entry.profile.cases.empty()) {
      entry.file->fail(entry.node, fmt::format("no case belongs to profile {}: check its capabilities", id));
    }
    entry.resolved = true;
    return entry.profile;
  }

  void include(Entry& entry, size_t index, const std::vector<std::string>& way) {
    const std::string& wanted = entry.profile.includes[index];
    const YAML::Node node = entry.node["includes"][index];
    if (!entries_.contains(wanted)) {
      std::set<std::string> known(order_.begin(), order_.end());
      entry.file->fail(node, fmt::format("no such profile: {}{}", wanted, did_you_mean(nearest(known, wanted))));
    }
    if (const auto start = std::find(way.begin(), way.end(), wanted); start != way.end()) {
      entry.file->fail(node, fmt::format("profiles include each other in a circle: {} -> {}",
                                         fmt::join(start, way.end(), " -> "), wanted));
    }
    const Profile& included = resolve(wanted, way);
    entry.profile.capabilities.insert(included.capabilities.begin(), included.capabilities.end());
    entry.profile.cases.insert(included.cases.begin(), included.cases.end());
  }

  static bool belongs(const Entry& entry, const Variant& variant) {
    const auto& can = entry.profile.capabilities;
    const bool able = std::all_of(variant.needs.begin(), variant.needs.end(),
                                  [&](Capability needed) { return can.contains(needed); });
    return able && matches(entry, variant);
  }

  static bool matches(const Entry& entry, const Variant& variant) {
    if (entry.requirement_prefixes.empty() && entry.case_prefixes.empty()) return true;
    const auto begins = [](std::string_view text, const std::vector<std::string>& prefixes) {
      return std::any_of(prefixes.begin(), prefixes.end(),
                         [&](const std::string& prefix) { return text.starts_with(prefix); });
    };
    const auto& answers = variant.registered.spec.requirements;
    return begins(variant.id, entry.case_prefixes) ||
           std::any_of(answers.begin(), answers.end(),
                       [&](std::string_view id) { return begins(id, entry.requirement_prefixes); });
  }

  const std::vector<Variant>& all_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> order_;
};

bool is_file(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".yaml");
}

/// Counts one case, or its absence, for a profile.
void count(ReportedProfile& judged, const ReportedCase* reported) {
  if (reported == nullptr) {
    ++judged.missing;
  } else if (reported->verdict == Verdict::kPass) {
    ++judged.passed;
  } else if (reported->verdict == Verdict::kSkip) {
    ++judged.skipped;
  } else if (reported->verdict == Verdict::kInconclusive) {
    ++judged.undecided;
  } else {
    ++judged.failed;
  }
}

std::string verdict_of(const ReportedProfile& judged) {
  if (judged.failed != 0 || (judged.claimed && judged.skipped != 0)) return "fails";
  return judged.passed == judged.cases ? "conforms" : "incomplete";
}

}  // namespace

std::vector<Profile> load_profiles(const std::vector<YamlInput>& files, const std::vector<Variant>& all) {
  Loader loader(all);
  for (const YamlInput& file : files) loader.read(file);
  return loader.resolve();
}

std::vector<YamlInput> embedded_profile_files() {
  std::vector<YamlInput> files;
  for (const EmbeddedFile& file : embedded_profiles()) files.emplace_back(std::string(file.name), file.text);
  return files;
}

const Profile* Claims::claimed_for(const std::string& variant) const {
  const auto found = std::find_if(profiles.begin(), profiles.end(), [&](const Profile& profile) {
    return claimed.contains(profile.id) && profile.cases.contains(variant);
  });
  return found == profiles.end() ? nullptr : &*found;
}

Claims choose_claims(const std::vector<std::string>& names, const std::vector<Variant>& all) {
  Claims claims;
  std::vector<YamlInput> files = embedded_profile_files();
  for (const std::string& name : names) {
    if (!is_file(name)) continue;
    files.push_back(YamlInput::from_file(name));
    for (const YAML::Node& entry : files.back().list()) {
      if (entry.IsMap() && entry["id"] && entry["id"].IsScalar()) claims.claimed.insert(entry["id"].Scalar());
    }
  }
  claims.profiles = load_profiles(files, all);
  std::set<std::string> known;
  for (const Profile& profile : claims.profiles) known.insert(profile.id);
  for (const std::string& name : names) {
    if (is_file(name)) continue;
    if (!known.contains(name)) {
      throw InputError(fmt::format("--profile {}: no such profile{}; `assay list profiles` prints all", name,
                                   did_you_mean(nearest(known, name))));
    }
    claims.claimed.insert(name);
  }
  return claims;
}

std::vector<Variant> claimed_variants(const Claims& claims, const std::vector<Variant>& selected) {
  std::vector<Variant> chosen;
  for (const Variant& variant : selected) {
    if (claims.claimed_for(variant.id) != nullptr) chosen.push_back(variant);
  }
  return chosen;
}

std::vector<ReportedProfile> judge(const Claims& claims, const std::vector<ReportedCase>& cases) {
  std::map<std::string_view, const ReportedCase*> by_id;
  for (const ReportedCase& reported : cases) by_id.emplace(reported.id, &reported);
  std::vector<ReportedProfile> all;
  for (const Profile& profile : claims.profiles) {
    ReportedProfile judged;
    judged.id = profile.id;
    judged.title = profile.title;
    judged.claimed = claims.claimed.contains(profile.id);
    judged.cases = profile.cases.size();
    for (const std::string& id : profile.cases) {
      const auto found = by_id.find(id);
      count(judged, found == by_id.end() ? nullptr : found->second);
    }
    judged.verdict = verdict_of(judged);
    all.push_back(std::move(judged));
  }
  return all;
}

}  // namespace assay
