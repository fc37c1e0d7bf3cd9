#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "fuzz/faults/catalogue.hpp"
#include "reports/csv.hpp"
#include "tools/cli/command_line.hpp"

namespace assay {
namespace {

void print_csv() {
  fmt::print("{}", csv_line({"name", "subsystem", "where", "models", "what"}));
  for (const Fault& fault : all_faults()) {
    fmt::print("{}", csv_line({fault.name, fault.subsystem, fault.where, fault.models, fault.what}));
  }
}

void print_json() {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Fault& fault : all_faults()) {
    rows.push_back({{"name", fault.name},
                    {"subsystem", fault.subsystem},
                    {"where", fault.where},
                    {"models", fault.models},
                    {"what", fault.what}});
  }
  fmt::print("{}\n", rows.dump(1));
}

void print_text() {
  for (const Fault& fault : all_faults()) {
    fmt::print("{}  {} ({}): {}\n", fault.name, fault.subsystem, fault.models, fault.what);
  }
}

}  // namespace

ExitCode list_faults(const std::string& format) {
  if (format == "csv") print_csv();
  if (format == "json") print_json();
  if (format == "text") print_text();
  fmt::print(stderr, "{} planted faults\n", all_faults().size());
  return kExitExpected;
}

}  // namespace assay
