/// index.html: a page for people, in one file, that needs nothing else.
///
/// Style, script and frame are the files of reports/page/, embedded at build time; the data is JSON, compressed, that
/// the script unpacks. A summary that needs no script stands in the page as well.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "reports/results.hpp"

namespace assay {

/// One of the runs that a page shows side by side.
struct PageRun {
  std::string label;  ///< short, and different from the others'
  const Results* results;
  std::string folder{};  ///< of results.json; shown
  std::string base{};    ///< from the page to that folder, to link evidence: empty, or ends in '/'
  std::map<std::string, std::string> evidence{};  ///< texts to carry in the page, by the path in ReportedCase::evidence
};

/// All of `runs`, in that order. Everything that came from elsewhere is escaped.
std::string to_html(const std::vector<PageRun>& runs);

/// Two runs of which the first is the earlier: what has changed stands on top.
std::string to_difference_html(const PageRun& before, const PageRun& now);

/// A page with one run.
std::string to_html(const Results& results);

/// `text` for element content and quoted attributes, as valid UTF-8.
std::string html_escape(std::string_view text);

}  // namespace assay
