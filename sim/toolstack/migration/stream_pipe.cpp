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
      const size_t count = std::min(bytes.size(), pipe_.bytes_max_);
      offer(bytes.first(count));
      bytes = bytes.subspan(count);
    }
  }

 private:
  /// Until the reader has taken all of it.
  void offer(std::span<const std::byte> bytes) {
    pipe_.offered_ = bytes;
    pipe_.most_ = std::max(pipe_.most_, bytes.size());
    while (!pipe_.is_closed_ && !pipe_.offered_.empty()) pipe_.fiber_.leave();
    if (pipe_.is_closed_) throw Closed{};
  }

  StreamPipe& pipe_;
};

StreamPipe::StreamPipe(size_t bytes_max, Write write)
    : bytes_max_(bytes_max), write_(std::move(write)), fiber_(kStackBytes, run, this) {
  if (bytes_max == 0) throw std::invalid_argument("a pipe without room");
}

StreamPipe::~StreamPipe() {
  unwind();
}

void StreamPipe::unwind() {
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
  offered_ = {};
  is_done_ = true;
}

void StreamPipe::go_on() {
  ++turns_;
  fiber_.resume();
}

bool StreamPipe::has_more() {
  while (offered_.empty() && !is_done_) go_on();
  return !offered_.empty();
}

std::span<const std::byte> StreamPipe::take(size_t bytes) {
  const std::span<const std::byte> taken = offered_.first(bytes);
  offered_ = offered_.subspan(bytes);
  return taken;
}

size_t StreamPipe::read(std::span<std::byte> out) {
  size_t got = 0;
  while (got < out.size() && has_more()) {
    const std::span<const std::byte> part = take(std::min(out.size() - got, offered_.size()));
    std::ranges::copy(part, out.begin() + static_cast<std::ptrdiff_t>(got));
    got += part.size();
  }
  return got;
}

std::span<const std::byte> StreamPipe::read_in_place(size_t bytes) {
  if (bytes == 0 || !has_more() || offered_.size() < bytes) return {};
  return take(bytes);
}

void StreamPipe::rethrow() {
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void StreamPipe::finish() {
  while (!is_done_) {
    offered_ = {};  // nobody will read it
    go_on();
  }
  rethrow();
}

void StreamPipe::close() {
  unwind();
  rethrow();
}

}  // namespace assay::migration
