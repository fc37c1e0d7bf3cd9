/// The files that people and CI systems open, made from results.json and the evidence beside it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "reports/results.hpp"

namespace assay {

/// Results and the folder that they were read from.
struct ReportSource {
  std::filesystem::path folder;
  Results results;
};

/// Reads folder/results.json. Throws std::runtime_error that begins with the file's path, and line and column where
/// they apply.
ReportSource read_source(const std::filesystem::path& folder);

/// What to call each source: the kind of target, or the folder where that says too little.
std::vector<std::string> labels(const std::vector<ReportSource>& sources);

/// junit.xml and index.html beside results.json. Throws WriteError.
void write_reports(const std::filesystem::path& folder, const Results& results);
/// index.html in `out`, with all sources side by side. Throws WriteError.
void write_side_by_side(const std::filesystem::path& out, const std::vector<ReportSource>& sources);
/// index.html in `out`, with what has changed. Throws WriteError.
void write_difference(const std::filesystem::path& out, const ReportSource& before, const ReportSource& now);

}  // namespace assay
