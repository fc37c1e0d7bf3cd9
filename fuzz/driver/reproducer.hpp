/// An input that broke a target, as a file: a line that says of what, then the input itself.
#pragma once

#include <string>
#include <string_view>

namespace assay::fuzz {

struct Reproducer {
  std::string target;
  std::string version;  ///< of the program whose target it was
  std::string input;
};

/// Names inputs: 16 digits.
std::string hash_of(std::string_view input);
std::string to_bytes(const Reproducer& reproducer);
/// The same input has the same.
std::string file_name(const Reproducer& reproducer);
/// Throws std::invalid_argument that says what is wrong: not a reproducer, of another form, cut short or changed.
Reproducer reproducer_from_bytes(std::string_view file);

}  // namespace assay::fuzz
