#include "sim/saved/saved_guest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "sim/input/input_error.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

SavedGuest agent() {
  SavedGuest saved;
  saved.spec.type = GuestType::kPvh;
  saved.spec.vcpus = 3;
  saved.spec.vcpus_online = 2;
  saved.spec.max_evtchn_port = 100;
  saved.spec.max_grant_frames = 4;
  saved.agent = SavedAgent{0x1234, 70, 5, 17};
  saved.saved_on = "hv 1";
  saved.made_by = "0.1";
  saved.stream_bytes = 1000;
  saved.stream_xxh128 = std::string(32, 'a');
  return saved;
}

TEST(SavedGuest, WhatIsWritten_IsReadBack) {
  const SavedGuest saved = agent();
  const SavedGuest read = SavedGuest::parse(saved.to_json(), "f");
  EXPECT_EQ(read.to_json(), saved.to_json());
  EXPECT_EQ(read.spec.type, GuestType::kPvh);
  EXPECT_EQ(read.spec.vcpus, 3u);
  EXPECT_EQ(read.spec.max_grant_frames, 4);
  EXPECT_EQ(read.spec.max_maptrack_frames, -1);
  EXPECT_EQ(read.agent, saved.agent);
  EXPECT_FALSE(read.kernel);

  SavedGuest kernel = saved;
  kernel.agent.reset();
  kernel.kernel = SavedKernel{"vmlinux"};
  EXPECT_EQ(SavedGuest::parse(kernel.to_json(), "f").kernel, kernel.kernel);
}

struct Wrong {
  const char* name;
  std::function<void(Json&)> change;
  const char* said;
};

const std::vector<Wrong>& wrong_ones() {
  static const std::vector<Wrong> kAll{
      {"OtherFormat", [](Json& j) { j["format"] = "recording"; }, "format is \"recording\""},
      {"LaterVersion", [](Json& j) { j["version"] = 3; }, "version is 3; this program reads version 2"},
      {"KeyMissing", [](Json& j) { j.erase("stream_bytes"); }, "stream_bytes is missing"},
      {"KeyUnknown", [](Json& j) { j["colour"] = 1; }, "colour is not known"},
      {"KeyUnknownInside", [](Json& j) { j["domain"]["colour"] = 1; }, "domain.colour is not known"},
      {"TypeUnknown", [](Json& j) { j["domain"]["type"] = "hvm"; }, "type is \"hvm\"; expected pv64 or pvh"},
      {"NoVcpus", [](Json& j) { j["domain"]["vcpus"] = 0; }, "domain.vcpus is 0"},
      {"MoreOnlineThanThere", [](Json& j) { j["domain"]["vcpus_online"] = 4; }, "expected a number from 1 to 3"},
      {"TooManyPages", [](Json& j) { j["domain"]["pages"] = 1ull << 40; }, "domain.pages"},
      {"NegativePages", [](Json& j) { j["domain"]["pages"] = -1; }, "domain.pages is -1"},
      {"FractionOfPages", [](Json& j) { j["domain"]["pages"] = 1.5; }, "domain.pages is 1.5"},
      {"TextForNumber", [](Json& j) { j["stream_bytes"] = "1000"; }, "stream_bytes is \"1000\""},
      {"NumberForText", [](Json& j) { j["made_by"] = 1; }, "made_by is no text"},
      {"LongText", [](Json& j) { j["made_by"] = std::string(5000, 'x'); }, "made_by is no text of at most"},
      {"LimitTooLow", [](Json& j) { j["domain"]["max_grant_frames"] = -2; }, "max_grant_frames is -2"},
      {"GrantVersion", [](Json& j) { j["domain"]["max_grant_version"] = 3; }, "max_grant_version is 3"},
      {"OtherVcpus", [](Json& j) { j["domain"]["vcpus"] = 4; }, "it was changed after `assay save` had written it"},
      {"OtherChecksum", [](Json& j) { j["crc32"] = "00000000"; }, "and it says 00000000"},
      {"OwnChecksumNoHex", [](Json& j) { j["crc32"] = "zzzzzzzz"; }, "crc32 is not 8 hexadecimal digits"},
      {"OwnChecksumMissing", [](Json& j) { j.erase("crc32"); }, "crc32 is missing"},
      {"ChecksumShort", [](Json& j) { j["stream_xxh128"] = "aa"; }, "stream_xxh128 is not 32"},
      {"ChecksumNoHex", [](Json& j) { j["stream_xxh128"] = std::string(32, 'g'); }, "stream_xxh128 is not 32"},
      {"BothKinds",
       [](Json& j) {
         j["kernel"] = {{"name", "k"}};
       },
       "not exactly one of agent and kernel"},
      {"NeitherKind", [](Json& j) { j.erase("agent"); }, "not exactly one of agent and kernel"},
      {"AgentIsNoObject", [](Json& j) { j["agent"] = 1; }, "agent is no object"},
      {"HeapBeyondMemory", [](Json& j) { j["agent"]["heap_used_pages"] = 2000; }, "agent.heap_used_pages is 2000"},
  };
  return kAll;
}

class WrongNote : public ::testing::TestWithParam<size_t> {};

TEST_P(WrongNote, IsRefusedByName) {
  const Wrong& wrong = wrong_ones()[GetParam()];
  Json json = Json::parse(agent().to_json());
  wrong.change(json);
  try {
    SavedGuest::parse(json.dump(), "guest.json");
    ADD_FAILURE() << "it was read";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), StartsWith("guest.json: "));
    EXPECT_THAT(error.what(), HasSubstr(wrong.said));
    EXPECT_THAT(error.what(), HasSubstr("save the guest again"));
  }
}

INSTANTIATE_TEST_SUITE_P(SavedGuest, WrongNote, ::testing::Range<size_t>(0, wrong_ones().size()),
                         [](const auto& index) { return std::string(wrong_ones()[index.param].name); });

TEST(SavedGuest, NoJson_IsRefusedWithItsPlace) {
  for (const std::string text : {"", "{", "[]", "null", "{\"format\": \"assay-saved-guest\"", "\xff\xfe"}) {
    EXPECT_THROW(SavedGuest::parse(text, "f"), InputError) << text;
  }
}

}  // namespace
}  // namespace assay
