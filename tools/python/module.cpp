/// assay._core: what the package's Python stands on. Documented in assay/_core.pyi.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "fuzz/faults/catalogue.hpp"
#include "sim/base/paths.hpp"
#include "tools/python/bind.hpp"
#include "tools/python/errors.hpp"
#include "tools/python/occupancy.hpp"

PYBIND11_MODULE(_core, module) {
  namespace python = assay::python;
  python::add_errors(module);
  python::bind_steps(module);
  python::bind_views(module);
  python::bind_scenarios(module);
  python::bind_machines(module);
  module.def("set_program_folder", [](const std::string& folder) { assay::set_program_folder(folder); });
  module.def("check_fault", [](const std::string& name) { static_cast<void>(assay::find_fault(name)); });
  module.def("close_any", &python::Occupant::close_any);
  module.def("faults", [] {
    std::vector<std::string> names;
    for (const assay::Fault& fault : assay::all_faults()) names.push_back(fault.name);
    return names;
  });
}
