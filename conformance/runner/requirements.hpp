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
  std::string status;    ///< "read", "observed", "corrected"
  std::string evidence;  ///< may be empty, except for "corrected"
  std::string place;     ///< file:line:column
};

/// Reads and checks them, in the order of the files. Throws InputError with file:line:column; ids must be unique.
std::vector<Requirement> load_requirements(std::span<const EmbeddedFile> files);

/// Those embedded in this program, read once.
const std::vector<Requirement>& requirements();
/// The requirement with this id, or null.
const Requirement* find_requirement(std::string_view id);

}  // namespace assay
