/// A page about domains that moved between simulated hosts: what came of all moves, and one of them in time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace assay {

/// What its parts say; all of it may hold anything.
struct MigrationPage {
  struct Table {
    std::string caption;
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;
    std::vector<size_t> bad_rows{};  ///< indices of `rows`, ascending
  };
  /// A table that is read when somebody opens it.
  struct Group {
    std::string summary;
    bool is_bad;  ///< open from the start
    Table table;
  };
  struct Failure {
    std::string what;
    std::vector<std::string> notes;
    std::vector<std::pair<std::string, std::string>> commands;  ///< what a line for the shell does, and the line
  };
  /// From one moment to another on one host.
  struct Span {
    size_t host;       ///< index of `hosts`
    uint64_t from_ns;  ///< from the beginning of the move
    uint64_t to_ns;
    std::string what;
    unsigned hue;  ///< 0..7: the same for the same kind
  };
  struct Mark {
    size_t host;
    uint64_t ns;
    std::string what;
  };
  struct Move {
    std::string which;
    std::vector<std::pair<std::string, std::string>> facts;
    std::string command;
    std::vector<std::string> hosts;
    std::vector<Span> spans;
    std::vector<Mark> marks;
    uint64_t to_ns = 0;  ///< the end of the picture
    Table rounds, events;
  };
  /// Of one number that every move has.
  struct Distribution {
    std::string caption;
    std::vector<uint64_t> values;  ///< ascending, not empty
    std::string unit;
  };
  struct Distributions {
    std::string caption;
    std::vector<Distribution> all;
  };

  std::string verdict;
  bool is_good = true;
  std::string command;  ///< a line for the shell
  std::string made_by;  ///< version
  std::string report;   ///< a page beside it with all results; empty: none
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<Failure> failures;
  std::optional<Move> move;
  std::vector<Table> tables;
  std::vector<Group> groups;
  std::string groups_caption;
  std::vector<Distributions> distributions;
};

/// In one file that loads nothing and runs no script.
std::string migration_page(const MigrationPage& page);

/// Parts of it, as HTML.
std::string timeline_html(const MigrationPage::Move& move);
std::string histogram_html(const MigrationPage::Distribution& distribution);

/// "1,234,567".
std::string with_commas(uint64_t number);

}  // namespace assay
