/// A file, flag or environment of the user's that will not do. Exit code 64; the text says what, where and what to do.
#pragma once

#include <stdexcept>

namespace assay {

class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace assay
