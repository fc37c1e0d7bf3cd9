#include "sim/devices/console_log.hpp"

#include <algorithm>

namespace assay {

void ConsoleLog::append(std::string_view text) {
  const size_t kept = std::min(text.size(), bytes_max_ - text_.size());
  text_.append(text.substr(0, kept));
  dropped_ += text.size() - kept;
}

}  // namespace assay
