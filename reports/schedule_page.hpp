/// A page with the schedule of one run of a scenario: a timeline, processor shares, latencies.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace assay {

/// What its head says, and what it links to; all of it may hold anything.
struct SchedulePage {
  std::string scenario;
  std::string about;
  std::string verdict;
  std::vector<std::string> messages{};  ///< what broke, the first one first
  std::string reproduce;                ///< a line for the shell
  std::string made_by;                  ///< version
  std::vector<std::pair<std::string, std::string>> facts{};
  std::string report{};    ///< a page beside it with all results; empty: none
  std::string trace{};     ///< a file beside the page that Perfetto loads; empty: none
  std::string evidence{};  ///< likewise, text
};

/// In one file that loads nothing. `data` is JSON, as sim/scenario/schedule_recorder.hpp makes it. Without script the
/// head alone is there.
std::string schedule_page(const SchedulePage& head, std::string_view data);

}  // namespace assay
