#include "fuzz/faults/catalogue.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <regex>

#include "reports/write_file.hpp"
#include "sim/input/input_error.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;

/// Where the sources of the core ask for each fault: the file, as often as it does.
std::map<std::string, std::vector<std::string>> places() {
  static const std::regex kCall("\\bfault\\(\"([^\"]+)\"\\)");
  std::map<std::string, std::vector<std::string>> found;
  const std::filesystem::path root(ASSAY_SOURCE_DIR);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "hv")) {
    const std::string extension = entry.path().extension().string();
    if ((extension != ".cpp" && extension != ".hpp") || entry.path().stem() == "fault") continue;
    const std::string text = read_file(entry.path());
    for (std::sregex_iterator at(text.begin(), text.end(), kCall), end; at != end; ++at) {
      found[(*at)[1]].push_back(entry.path().lexically_relative(root).generic_string());
    }
  }
  return found;
}

TEST(FaultCatalogue, EveryEntryHasOnePlaceInTheCore_AndEveryPlaceAnEntry) {
  std::map<std::string, std::vector<std::string>> listed;
  for (const Fault& fault : all_faults()) listed[fault.name] = {fault.where};
  EXPECT_EQ(places(), listed);
}

TEST(FaultCatalogue, HasEightyFaultsAtLeast) {
  EXPECT_GE(all_faults().size(), 80u);
}

std::string complaint(const std::string& text) {
  try {
    static_cast<void>(read_faults(YamlInput("faults.yaml", text)));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(FaultCatalogue, WrongEntries_AreRefusedWithTheirPlace) {
  const std::string good = "- {name: a.b, subsystem: s, where: w, models: m, what: t}\n";
  EXPECT_EQ(complaint(good), "");
  EXPECT_THAT(complaint(good + good), HasSubstr("faults.yaml:2"));
  EXPECT_THAT(complaint("- {name: Ab, subsystem: s, where: w, models: m, what: t}\n"), HasSubstr("is no name"));
  EXPECT_THAT(complaint("- {name: a.b, subsystem: s}\n"), HasSubstr("where"));
}

TEST(FaultCatalogue, UnknownName_IsRefusedWithTheNearest) {
  EXPECT_EQ(find_fault("evtchn.close_keeps_pending").name, "evtchn.close_keeps_pending");
  try {
    static_cast<void>(find_fault("evtchn.close_keep_pending"));
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean evtchn.close_keeps_pending"));
  }
}

TEST(FaultCatalogue, Select_TakesPrefixes_AndRefusesThoseOfNothing) {
  EXPECT_EQ(select_faults({}).size(), all_faults().size());
  const std::vector<Fault> some = select_faults({"fifo.", "pod."});
  EXPECT_GE(some.size(), 2u);
  for (const Fault& fault : some) EXPECT_TRUE(fault.name.starts_with("fifo.") || fault.name.starts_with("pod."));
  EXPECT_THROW(static_cast<void>(select_faults({"fivo"})), InputError);
}

}  // namespace
}  // namespace assay
