/// The JSON Schema and the reader know the same keys and names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/scenario/keys.hpp"

namespace assay::scenario {
namespace {

using nlohmann::json;

json schema() {
  std::ifstream file(ASSAY_SCENARIO_SCHEMA);
  return json::parse(file);
}

std::set<std::string> keys_in(const json& entry) {
  std::set<std::string> keys;
  for (const auto& [key, value] : entry.at("properties").items()) keys.insert(key);
  return keys;
}

std::set<std::string> set_of(std::span<const std::string_view> names) {
  return {names.begin(), names.end()};
}

TEST(ScenarioSchema, EveryEntryHasTheKeysOfTheReader) {
  const json all = schema();
  const json& entries = all.at("$defs");
  EXPECT_EQ(keys_in(all), set_of(keys::kTop));
  EXPECT_EQ(keys_in(entries.at("machine")), set_of(keys::kMachine));
  EXPECT_EQ(keys_in(entries.at("scheduler")), set_of(keys::kScheduler));
  EXPECT_EQ(keys_in(entries.at("slot")), set_of(keys::kSlot));
  EXPECT_EQ(keys_in(entries.at("pool")), set_of(keys::kPool));
  EXPECT_EQ(keys_in(entries.at("domain")), set_of(keys::kDomain));
  EXPECT_EQ(keys_in(entries.at("workload").at("anyOf").at(1)), set_of(keys::kWorkload));
  EXPECT_EQ(keys_in(entries.at("guest")), set_of(keys::kGuest));
  EXPECT_EQ(keys_in(entries.at("change")), set_of(keys::kAction));
  EXPECT_EQ(keys_in(entries.at("suspend")), set_of(keys::kSuspend));
  EXPECT_EQ(keys_in(entries.at("faults")), set_of(keys::kFaults));
  EXPECT_EQ(keys_in(entries.at("interleaving")), set_of(keys::kInterleaving));
  std::set<std::string> action = set_of(keys::kWhen);
  action.merge(set_of(keys::kActions));
  EXPECT_EQ(keys_in(entries.at("action")), action);
  EXPECT_EQ(keys_in(entries.at("expectation")), set_of(keys::kExpectations));
  for (size_t i = 0; i < keys::kExpectations.size(); ++i) {
    const std::string name(keys::kExpectations.at(i));
    EXPECT_EQ(keys_in(entries.at(name)), set_of(keys::kExpectation.at(i))) << name;
  }
}

TEST(ScenarioSchema, NamesAreThoseOfTheReader) {
  const json entries = schema().at("$defs");
  const auto names = [](const json& list) { return list.get<std::set<std::string>>(); };
  EXPECT_EQ(names(entries.at("scheduler").at("properties").at("name").at("enum")), set_of(keys::kSchedulers));
  EXPECT_EQ(names(entries.at("machine").at("properties").at("granularity").at("enum")), set_of(keys::kGranularities));
  EXPECT_EQ(names(entries.at("workload").at("anyOf").at(1).at("properties").at("kind").at("enum")),
            set_of(keys::kWorkloads));
  EXPECT_EQ(names(entries.at("workload").at("anyOf").at(1).at("properties").at("pattern").at("enum")),
            set_of(keys::kPatterns));
  EXPECT_EQ(names(entries.at("guest").at("properties").at("type").at("enum")), set_of(keys::kGuestTypes));
  EXPECT_EQ(names(entries.at("shutdown").at("properties").at("reason").at("enum")), set_of(keys::kReasons));
}

}  // namespace
}  // namespace assay::scenario
