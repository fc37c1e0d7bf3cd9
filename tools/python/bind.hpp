/// The parts of the extension module.
#pragma once

#include <pybind11/pybind11.h>

namespace assay::python {

void bind_steps(pybind11::module_& module);
void bind_views(pybind11::module_& module);
void bind_scenarios(pybind11::module_& module);
void bind_machines(pybind11::module_& module);

}  // namespace assay::python
