/// A family of operations that are played together, on a target and on a model at once.
///
/// Families may include the Target interface, the ABI, conformance/guest and conformance/model, as cases may.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/case.hpp"
#include "fuzz/sequence/journal.hpp"
#include "fuzz/sequence/operation.hpp"

namespace assay::fuzz {

struct OperationKind {
  std::string_view name;
  uint8_t weight;     ///< how often it is generated, compared with the others
  uint8_t arguments;  ///< of Operation::arg, how many mean something
};

/// Guests in the midst of a sequence, and the model of them.
class Play {
 public:
  virtual ~Play() = default;
  /// Does what the operation says, and compares what came of it. Choices become literals.
  virtual void step(Operation& operation) = 0;
  /// Compares everything that guests can see.
  virtual void compare_all() = 0;
  /// After the last step.
  virtual void end() { compare_all(); }
  /// The same again, for guests that go back to where they are now.
  [[nodiscard]] virtual std::unique_ptr<Play> clone() const = 0;
};

struct Family {
  std::string_view name;
  std::span<const OperationKind> kinds;
  uint8_t actors;  ///< of Operation::actor
  CaseSpec spec;   ///< guests that it needs, as a case says it; `rule` and `source` are what a generated case says
  std::vector<std::string_view> includes;  ///< of a generated case; system headers with their brackets
  std::string prologue;                    ///< lines of C++ with which one begins
  std::unique_ptr<Play> (*begin)(CaseContext& context, Journal& journal);
};

/// Family::begin for a play that needs no more.
template <typename T>
std::unique_ptr<Play> begin_play(CaseContext& context, Journal& journal) {
  return std::make_unique<T>(context, journal);
}

/// Whether two targets must agree: which of two orders a race comes out in is nobody's promise.
bool is_comparable(const Family* family);

/// All of them, by name.
std::span<const Family* const> families();
std::set<std::string> family_names();
/// Null when there is none of that name.
const Family* find_family(std::string_view name);

}  // namespace assay::fuzz
