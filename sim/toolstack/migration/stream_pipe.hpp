/// A saver and a restorer at once, in turns, with nothing stored between them: what is written stays where it is until
/// the reader has taken it, piece by piece, and only then the writer goes on. Who works when depends on the bytes
/// alone.
#pragma once

#include <exception>
#include <functional>

#include "sim/engine/fiber.hpp"
#include "sim/toolstack/migration/byte_channel.hpp"

namespace assay::migration {

class StreamPipe final : public ByteSource {
 public:
  using Write = std::function<void(ByteSink& sink)>;

  /// `write` runs on a stack of its own, whenever the reader wants bytes that are not there yet. When it throws, the
  /// stream ends there. The reader is offered `bytes_max` at a time, at most.
  StreamPipe(size_t bytes_max, Write write);
  StreamPipe(const StreamPipe&) = delete;
  StreamPipe& operator=(const StreamPipe&) = delete;
  /// A writer that is not done gets an exception out of its sink.
  ~StreamPipe() override;

  size_t read(std::span<std::byte> out) override;
  /// They stay until the next read.
  std::span<const std::byte> read_in_place(size_t bytes) override;
  /// Lets the writer come to its end, and rethrows what it has thrown.
  void finish();
  /// Nothing more is read: a writer that is not done gets an exception out of its sink. Rethrows what else it throws.
  void close();
  /// Most bytes that were ever offered at once.
  [[nodiscard]] size_t bytes_most() const { return most_; }
  /// How often the writer was gone on with.
  [[nodiscard]] uint64_t turns() const { return turns_; }

 private:
  class Sink;
  static void run(void* self);
  void write_all();
  void go_on();
  void unwind();
  void rethrow();
  /// Lets the writer work until there is something to read. False: there will be nothing.
  bool has_more();
  std::span<const std::byte> take(size_t bytes);

  size_t bytes_max_, most_ = 0;
  uint64_t turns_ = 0;
  Write write_;
  std::span<const std::byte> offered_;  ///< what the writer waits to be rid of
  bool is_done_ = false, is_closed_ = false;
  std::exception_ptr error_;
  Fiber fiber_;
};

}  // namespace assay::migration
