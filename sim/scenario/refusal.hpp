/// A hypervisor that does not do what a scenario asks of it: whether it cannot, or is wrong.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "sim/toolstack/toolstack.hpp"

namespace assay::scenario {

/// The target lacks what the file needs (a scheduler, or parameters that its own has not): nothing can be told.
class Lacking : public ToolstackError {
 public:
  using ToolstackError::ToolstackError;
};

/// The reason of a fail that is no oracle's: a hypercall of the toolstack that should have succeeded.
constexpr const char* kRefused = "refused";

/// Does what the file asks for at `where` (file:line:column), `words` for short. What may be refused there is known
/// from what the scenario has done so far, and not asked for: any other refusal is the target's mistake, and a
/// ToolstackError that says place, call, result and what was expected.
template <typename Do>
void as_asked(const std::string& where, std::string_view words, Do&& action) {
  try {
    std::forward<Do>(action)();
  } catch (const Lacking&) {
    throw;
  } catch (const ToolstackError& error) {
    const std::string place = where.empty() ? "" : where + ": ";  // a scenario that is no file
    throw ToolstackError(fmt::format("{}{}: {}; expected success: nothing that the file has done so far forbids it",
                                     place, words, error.what()));
  }
}

}  // namespace assay::scenario
