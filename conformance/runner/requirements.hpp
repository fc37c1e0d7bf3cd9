/// What the ABI demands, as conformance/requirements/ lists it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/runner/embedded.hpp"

namespace assay {

struct Requirement {
  std::string id;
  std::string hypercall;
  std::string operation;  ///< may be empty
  std::string level;      ///< "must", "should", "may"
  std::string text;
  std::string source;
  std::vector<std::string> guests;
  std::string status;     ///< "read", "observed", "corrected"
  std::string evidence;   ///< may be empty, except for "corrected"
  std::string promise;    ///< the public header that promises it, and where; empty for most that are not "must"
  std::string pv;         ///< what is different for PV guests; may be empty
  std::string hvm;        ///< likewise for HVM guests, PVH included
  std::string settled;    ///< what headers leave open, and what the real Xen does; may be empty
  std::string uncovered;  ///< why no case can observe it; empty for rows that have a case
  std::string place;      ///< file:line:column
};

/// Reads and checks them, in the order of the files. Throws InputError with file:line:column; ids must be unique.
std::vector<Requirement> load_requirements(std::span<const EmbeddedFile> files);

/// Those embedded in this program, read once.
const std::vector<Requirement>& requirements();
/// The requirement with this id, or null.
const Requirement* find_requirement(std::string_view id);

}  // namespace assay
