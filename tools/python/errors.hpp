/// The exceptions of the package, and what becomes which.
#pragma once

#include <pybind11/pybind11.h>

namespace assay::python {

/// Defines InputError, TargetDied, Refused and Violation in the module, and has ours translated.
void add_errors(pybind11::module_& module);
/// What oracles raise.
pybind11::handle violation_type();

}  // namespace assay::python
