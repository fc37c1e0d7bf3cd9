/// The picture of one run of a scenario: a page and a trace.
#pragma once

#include <filesystem>
#include <string>

#include "conformance/runner/runner.hpp"
#include "sim/scenario/scenario_run.hpp"

namespace assay {

/// What a picture is called, beside index.html.
constexpr const char* kPicturePage = "schedule.html";
constexpr const char* kPictureTrace = "schedule.perfetto.json";

struct PictureRequest {
  std::filesystem::path out;  ///< a folder
  uint64_t seed = 0;
  std::string file;       ///< of the scenario
  std::string reproduce;  ///< a line for the shell
  std::string evidence;   ///< a file in `out`; empty: none
  std::string report;     ///< likewise, the page of all results
};

/// Plays the seed again, twice: once for what happened, once for a trace of the part that the page shows. False: the
/// run ended before the scenario began, and there is nothing to show. Throws WriteError, and what a run throws.
bool draw_picture(const PictureRequest& request, const scenario::Scenario& scenario, scenario::ScenarioRunner& runner);

/// The same in a worker process, as the run itself: a core may die of it. Of targets that are ScenarioTargets. Empty:
/// it is drawn; otherwise why it is not.
std::string draw_in_worker(const TargetFactory& make_target, const scenario::Scenario& scenario,
                           const PictureRequest& request);

}  // namespace assay
