/// A saver and a restorer at once, with a bounded number of bytes between them, in turns: the writer works until there
/// is no room left, the reader until nothing is. Who works when depends on the bytes alone.
#pragma once

#include <deque>
#include <exception>
#include <functional>

#include "sim/engine/fiber.hpp"
#include "sim/toolstack/migration/byte_channel.hpp"

namespace assay::migration {

class StreamPipe final : public ByteSource {
 public:
  using Write = std::function<void(ByteSink& sink)>;

  /// `write` runs on a stack of its own, whenever the reader wants bytes that are not there yet. When it throws, the
  /// stream ends there.
  StreamPipe(size_t bytes_max, Write write);
  StreamPipe(const StreamPipe&) = delete;
  StreamPipe& operator=(const StreamPipe&) = delete;
  /// A writer that is not done gets an exception out of its sink.
  ~StreamPipe() override;

  size_t read(std::span<std::byte> out) override;
  /// Lets the writer come to its end, and rethrows what it has thrown.
  void finish();
  /// Most bytes that ever were in the pipe.
  [[nodiscard]] size_t bytes_most() const { return most_; }
  /// How often the writer was gone on with.
  [[nodiscard]] uint64_t turns() const { return turns_; }

 private:
  class Sink;
  static void run(void* self);
  void write_all();
  void go_on();

  size_t bytes_max_, most_ = 0;
  uint64_t turns_ = 0;
  Write write_;
  std::deque<std::byte> bytes_;
  bool is_done_ = false, is_closed_ = false;
  std::exception_ptr error_;
  Fiber fiber_;
};

}  // namespace assay::migration
