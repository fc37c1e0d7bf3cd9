// What must hold of every case in the program.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "conformance/case.hpp"
#include "conformance/runner/requirements.hpp"

namespace assay {
namespace {

std::string place(const RegisteredCase& registered) {
  return std::string(registered.file) + ":" + std::to_string(registered.line) + ": " +
         std::string(registered.spec.slug);
}

TEST(Suite, HasCases) {
  EXPECT_GE(registered_cases().size(), 100u);
}

TEST(Suite, Slugs_AreUniqueAndWellFormed) {
  const std::regex form("[a-z0-9_]+(\\.[a-z0-9_]+)+");
  std::set<std::string_view> seen;
  for (const RegisteredCase& registered : registered_cases()) {
    const std::string slug(registered.spec.slug);
    EXPECT_TRUE(std::regex_match(slug, form)) << place(registered);
    EXPECT_TRUE(seen.insert(registered.spec.slug).second) << place(registered) << " exists twice";
  }
}

TEST(Suite, EveryCase_SaysWhatItIs) {
  for (const RegisteredCase& registered : registered_cases()) {
    EXPECT_FALSE(registered.spec.rule.empty()) << place(registered);
    EXPECT_FALSE(registered.spec.source.empty()) << place(registered);
    EXPECT_NE(registered.spec.body, nullptr) << place(registered);
    EXPECT_TRUE(registered.file.starts_with("conformance/cases/")) << place(registered);
  }
}

TEST(Suite, Requirements_Exist) {
  for (const RegisteredCase& registered : registered_cases()) {
    EXPECT_FALSE(registered.spec.requirements.empty()) << place(registered);
    for (const std::string_view id : registered.spec.requirements) {
      EXPECT_NE(find_requirement(id), nullptr) << place(registered) << " names " << id;
    }
  }
}

TEST(Suite, RequirementFiles_AreSound) {
  EXPECT_GE(requirements().size(), 704u);
}

/// Nothing can be steered in the real Xen, and Debian builds it without these schedulers.
bool xen_lacks(Capability capability) {
  return capability == Capability::kSteer || capability == Capability::kRtds || capability == Capability::kArinc653;
}

TEST(Suite, EveryRequirement_HasACaseOrAReason) {
  std::set<std::string_view> covered;
  std::set<std::string_view> observable;  // on the real Xen
  for (const RegisteredCase& registered : registered_cases()) {
    const CaseSpec& spec = registered.spec;
    covered.insert(spec.requirements.begin(), spec.requirements.end());
    if (!std::ranges::any_of(spec.needs, xen_lacks))
      observable.insert(spec.requirements.begin(), spec.requirements.end());
  }
  for (const Requirement& row : requirements()) {
    EXPECT_NE(covered.contains(row.id), !row.uncovered.empty()) << row.place << ": " << row.id;
    EXPECT_TRUE(!observable.contains(row.id) || row.status != "read") << row.place << ": " << row.id << " was observed";
  }
}

TEST(Suite, EveryMust_NamesItsPromise) {
  for (const Requirement& row : requirements()) {
    EXPECT_NE(row.level == "must", row.promise.empty()) << row.place << ": " << row.id;
  }
}

TEST(Suite, Guests_FitTheOnlineCount) {
  for (const RegisteredCase& registered : registered_cases()) {
    EXPECT_LE(registered.spec.vcpus_online, registered.spec.vcpus) << place(registered);
  }
}

}  // namespace
}  // namespace assay
