#include "sim/toolstack/migration/stream_pipe.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace assay::migration {

namespace {

/// A target is worked with on this stack: machine code, its traps, and what a core needs.
constexpr size_t kStackBytes = 8 << 20;

/// Nobody reads any more. No std::exception: who writes has no business with it.
struct Closed {};

}  // namespace

class StreamPipe::Sink final : public ByteSink {
 public:
  explicit Sink(StreamPipe& pipe) : pipe_(pipe) {}
  void write(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      if (pipe_.is_closed_) throw Closed{};
      const size_t room = std::min(bytes.size(), pipe_.bytes_max_ - pipe_.bytes_.size());
      pipe_.bytes_.insert(pipe_.bytes_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(room));
      pipe_.most_ = std::max(pipe_.most_, pipe_.bytes_.size());
      bytes = bytes.subspan(room);
      if (!bytes.empty()) pipe_.fiber_.leave();
    }
  }

 private:
  StreamPipe& pipe_;
};

StreamPipe::StreamPipe(size_t bytes_max, Write write)
    : bytes_max_(bytes_max), write_(std::move(write)), fiber_(kStackBytes, run, this) {
  if (bytes_max == 0) throw std::invalid_argument("a pipe without room");
}

StreamPipe::~StreamPipe() {
  is_closed_ = true;
  // What is on its stack goes before the stack does. A writer that was never begun has nothing there.
  while (turns_ != 0 && !is_done_) go_on();
}

void StreamPipe::run(void* self) {
  auto* const pipe = static_cast<StreamPipe*>(self);
  pipe->write_all();
  for (;;) pipe->fiber_.leave();
}

void StreamPipe::write_all() {
  try {
    Sink sink(*this);
    write_(sink);
  } catch (const Closed&) {
  } catch (...) {
    error_ = std::current_exception();
  }
  is_done_ = true;
}

void StreamPipe::go_on() {
  ++turns_;
  fiber_.resume();
}

size_t StreamPipe::read(std::span<std::byte> out) {
  size_t got = 0;
  while (got < out.size()) {
    if (bytes_.empty() && is_done_) break;
    if (bytes_.empty()) go_on();
    const size_t count = std::min(out.size() - got, bytes_.size());
    const auto end = bytes_.begin() + static_cast<std::ptrdiff_t>(count);
    std::copy(bytes_.begin(), end, out.begin() + static_cast<std::ptrdiff_t>(got));
    bytes_.erase(bytes_.begin(), end);
    got += count;
  }
  return got;
}

void StreamPipe::finish() {
  while (!is_done_) {
    bytes_.clear();  // nobody will read it
    go_on();
  }
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

}  // namespace assay::migration
