#include "tools/python/errors.hpp"

#include "sim/engine/core_object.hpp"
#include "sim/engine/machine.hpp"
#include "sim/input/input_error.hpp"
#include "sim/target/target.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::python {
namespace {

namespace py = pybind11;

/// They live as long as the process: the module may be gone before the last of them is raised.
struct Types {
  PyObject* input = nullptr;
  PyObject* died = nullptr;
  PyObject* refused = nullptr;
  PyObject* violation = nullptr;
};
Types types;

PyObject* define(py::module_& module, const char* name, const char* doc, PyObject* base) {
  const std::string full = std::string("assay.") + name;
  PyObject* const type = PyErr_NewExceptionWithDoc(full.c_str(), doc, base, nullptr);
  if (type == nullptr) throw py::error_already_set();
  module.attr(name) = py::handle(type);
  return type;
}

void translate(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const InputError& error) {
    PyErr_SetString(types.input, error.what());
  } catch (const CoreDied& died) {
    PyErr_SetString(types.died, died.what());
  } catch (const TargetDied& died) {
    PyErr_SetString(types.died, died.what());
  } catch (const ToolstackError& error) {
    PyErr_SetString(types.refused, error.what());
  } catch (const CoreRefused& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  }
}

}  // namespace

void add_errors(py::module_& module) {
  types.input = define(module, "InputError",
                       "A file, text or argument in the scenario language that will not do: FILE:LINE:COLUMN: what.",
                       PyExc_ValueError);
  types.died =
      define(module, "TargetDied", "The core died: it panicked, faulted, or came to no end.", PyExc_RuntimeError);
  types.refused =
      define(module, "Refused", "The core refused what was asked of it: the call, and its result.", PyExc_RuntimeError);
  types.violation =
      define(module, "Violation", "Raised by an oracle: a promise was broken, in words.", PyExc_Exception);
  py::register_exception_translator(translate);
}

py::handle violation_type() {
  return types.violation;
}

}  // namespace assay::python
