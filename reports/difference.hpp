/// What was found where the bundled core, a model, a requirement and the real Xen did not agree.
#pragma once

#include <string>

namespace assay {

struct Difference {
  std::string name;      ///< what it is about
  std::string wrong;     ///< "hv", "model", "requirement", "harness"; "xen": Xen is other than its interface says
  std::string found_by;  ///< the command, or what was being done
  std::string what;
  std::string now;  ///< what was changed, and the case that keeps it so
};

}  // namespace assay
