/// The planted faults of hv-faults.so, as fuzz/faults/faults.yaml lists them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/input/yaml_input.hpp"

namespace assay {

struct Fault {
  std::string name;       ///< "evtchn.close_keeps_pending"
  std::string subsystem;  ///< "event channels"
  std::string where;      ///< the file that has it
  std::string models;     ///< "XSA-97", a commit, or a kind of mistake
  std::string what;       ///< goes wrong, in one line
  uint32_t index = 0;     ///< in the catalogue
};

/// Every complaint is an InputError with its place: a name twice, or one that is not words and dots.
std::vector<Fault> read_faults(const YamlInput& file);
/// Of the catalogue in this program, in its order.
const std::vector<Fault>& all_faults();

/// InputError with the nearest names when there is none.
const Fault& find_fault(const std::string& name);
/// Those whose names begin with any of `prefixes`; all when there is none. A prefix of nothing is an InputError.
std::vector<Fault> select_faults(const std::vector<std::string>& prefixes);

}  // namespace assay
