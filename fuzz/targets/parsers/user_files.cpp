/// YAML that users write: known failures, profiles; and requirements, which have the same form.
#include "conformance/runner/expectations.hpp"
#include "conformance/runner/profiles.hpp"
#include "conformance/runner/requirements.hpp"
#include "conformance/runner/variants.hpp"
#include "fuzz/targets/fuzz_target.hpp"
#include "sim/input/input_error.hpp"

namespace assay::fuzz {
namespace {

/// A suite of two cases.
const std::vector<Variant>& variants() {
  static const std::vector<Variant> all = [] {
    CaseSpec both{.slug = "evtchn.send.unbound", .rule = "r", .source = "s", .requirements = {"EVTCHN-SEND-002"}};
    CaseSpec alone{.slug = "version.number", .rule = "r", .source = "s", .requirements = {"VER-001"}};
    alone.guests = GuestTypes::kDom0;
    return variants_of({{both, "a.cpp", 1}, {alone, "b.cpp", 1}});
  }();
  return all;
}

/// What is refused is refused with its place.
template <typename Read>
void refuse_or(Read read) {
  try {
    read();
  } catch (const InputError& error) {
    must(std::string_view(error.what()).starts_with("f.yaml"), "a complaint names the file");
  }
}

void read_expectations(std::string_view input) {
  refuse_or([&] {
    const Expectations known(YamlInput("f.yaml", input), variants());
    for (const Variant& variant : variants()) {
      const Expectation* const found = known.find(variant.id);
      must(found == nullptr || known.met(variant.id, found->verdict), "what is announced is as expected");
    }
  });
}

void read_profiles(std::string_view input) {
  refuse_or([&] {
    for (const Profile& profile : load_profiles({YamlInput("f.yaml", input)}, variants())) {
      must(!profile.cases.empty(), "a profile has cases");
    }
  });
}

void read_requirements(std::string_view input) {
  refuse_or([&] {
    const EmbeddedFile file{"f.yaml", input};
    for (const Requirement& row : load_requirements({&file, 1})) must(!row.id.empty(), "a requirement has a name");
  });
}

std::vector<std::string> words() {
  return {"- case: ",       "verdict: ",  "reason: ",    "link: ",     "evtchn.send.unbound",
          "version.number", "- id: ",     "title: ",     "includes: ", "capabilities: ",
          "requirements: ", "cases: ",    "two_domains", "pvh",        "hypercall: ",
          "operation: ",    "level: ",    "text: ",      "source: ",   "guests: ",
          "status: ",       "evidence: ", "uncovered: ", "&a ",        "*a",
          "<<: ",           "!!str ",     "--- ",        "|\n",        "? "};
}

const FuzzTarget kExpectations{{
    .name = "expectations",
    .reads = "files for --expect: known failures",
    .run = read_expectations,
    .bytes_max = 1024,
    .words = words,
}};

const FuzzTarget kProfiles{{
    .name = "profiles",
    .reads = "files for --profile",
    .run = read_profiles,
    .bytes_max = 1024,
    .words = words,
}};

const FuzzTarget kRequirements{{
    .name = "requirements",
    .reads = "rows of conformance/requirements",
    .run = read_requirements,
    .bytes_max = 1024,
    .words = words,
}};

}  // namespace
}  // namespace assay::fuzz
