/// A page about domains that moved between simulated hosts: what came of all moves, and one of them in time.
#pragma once

#include <cstdint>
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
  };
  /// From one moment to another on one host.
  struct Span {
    size_t host;       ///< index of `hosts`
    uint64_t from_ns;  ///< from the beginning of the move
    uint64_t to_ns;
    std::string what;
    unsigned hue;  ///< 0..7: the same for the same kind
  };
  struct Failure {
    std::string what;
    std::vector<std::string> lines;  ///< for the shell, and what else there is to say
  };

  std::string verdict;
  bool is_good = true;
  std::string command;  ///< a line for the shell
  std::string made_by;  ///< version
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<Failure> failures;
  std::vector<Table> tables;
  std::vector<std::string> hosts;
  std::vector<Span> spans;                               ///< of one move; empty: no timeline
  Table events;                                          ///< of the same move
  std::vector<std::pair<std::string, uint64_t>> rounds;  ///< name and pages of each, of the same move
};

/// In one file that loads nothing and runs no script.
std::string migration_page(const MigrationPage& page);

}  // namespace assay
