#include "sim/engine/machine_console.hpp"

#include <algorithm>

namespace assay {

MachineConsole::Moment MachineConsole::take() {
  const std::string_view fresh = std::string_view(text_).substr(last_.bytes_);
  if (last_.log_ == nullptr) {
    last_.log_ = std::make_shared<std::string>(text_);
  } else if (last_.log_->size() == last_.bytes_) {
    *last_.log_ += fresh;
  } else if (last_.log_->compare(last_.bytes_, fresh.size(), fresh) != 0) {
    last_.log_ = std::make_shared<std::string>(text_);
  }
  last_.bytes_ = text_.size();
  return last_;
}

void MachineConsole::go_back(const Moment& moment) {
  const size_t shared = moment.log_ == last_.log_ ? std::min(moment.bytes_, last_.bytes_) : 0;
  text_.resize(shared);
  if (moment.log_ != nullptr) text_.append(*moment.log_, shared, moment.bytes_ - shared);
  last_ = moment;
}

}  // namespace assay
