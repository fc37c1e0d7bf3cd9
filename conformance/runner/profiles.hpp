/// Profiles: parts of the suite that a target may claim to conform to, as conformance/profiles/ lists them.
///
///     - id: pvh-guest
///       title: A PVH guest                            # for people
///       includes: [other-profile]                     # optional: their cases and capabilities belong to this one, too
///       capabilities: [pvh, two_domains]              # what a target must be able to do
///       requirements: [EVTCHN-]                       # optional prefixes: cases that answer to one of these,
///       cases: [evtchn.]                              # or are called so
///
/// A case belongs to a profile when the profile's capabilities are all that it needs and, where there are prefixes, one
/// of them matches.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "conformance/runner/variants.hpp"
#include "reports/results.hpp"
#include "sim/input/yaml_input.hpp"

namespace assay {

struct Profile {
  std::string id;
  std::string title;
  std::vector<std::string> includes;
  std::set<Capability> capabilities;  ///< those of the included ones as well
  std::set<std::string> cases;        ///< ids of variants, likewise
  std::string place;                  ///< file:line:column
};

/// Reads and checks them, in order. Throws InputError with file:line:column: for a name (of a profile, capability,
/// requirement or case) that does not exist, an id that is given twice, profiles that include each other in a circle,
/// and a profile that no case belongs to.
std::vector<Profile> load_profiles(const std::vector<YamlInput>& files, const std::vector<Variant>& all);

/// Those embedded in this program.
std::vector<YamlInput> embedded_profile_files();

/// The known profiles, and which of them a target claims.
struct Claims {
  std::vector<Profile> profiles;
  std::set<std::string> claimed;

  /// The first claimed profile that this variant belongs to, or null.
  [[nodiscard]] const Profile* claimed_for(const std::string& variant) const;
};

/// The embedded profiles and those of files among `names`: each is the id of a profile, or the path of a file (it
/// contains a '/' or ends in .yaml), all of whose profiles are claimed. Throws InputError.
Claims choose_claims(const std::vector<std::string>& names, const std::vector<Variant>& all);

/// Those of `selected` that belong to a claimed profile.
std::vector<Variant> claimed_variants(const Claims& claims, const std::vector<Variant>& selected);

/// What `cases`, the results of a run, say about each profile.
std::vector<ReportedProfile> judge(const Claims& claims, const std::vector<ReportedCase>& cases);

}  // namespace assay
