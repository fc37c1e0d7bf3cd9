#include "sim/toolstack/migration/stream_pipe.hpp"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>

namespace assay::migration {
namespace {

std::vector<std::byte> numbers(size_t count) {
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * 7);
  return bytes;
}

TEST(StreamPipe, AllArrives_HoweverSmallItIs) {
  const std::vector<std::byte> sent = numbers(1000);
  for (const size_t room : {size_t{1}, size_t{7}, size_t{1000}, size_t{5000}}) {
    StreamPipe pipe(room, [&](ByteSink& sink) { sink.write(sent); });
    std::vector<std::byte> got(sent.size());
    EXPECT_EQ(pipe.read(got), sent.size());
    EXPECT_EQ(got, sent) << room;
    std::array<std::byte, 1> more;
    EXPECT_EQ(pipe.read(more), 0u) << "it ends there";
    EXPECT_EQ(pipe.bytes_most(), std::min(room, sent.size()));
    pipe.finish();
  }
}

TEST(StreamPipe, WriterThatFails_EndsTheStreamAndIsTold) {
  StreamPipe pipe(16, [](ByteSink& sink) {
    sink.write(numbers(20));
    throw std::runtime_error("lost");
  });
  std::vector<std::byte> got(40);
  EXPECT_EQ(pipe.read(got), 20u);
  EXPECT_THROW(pipe.finish(), std::runtime_error);
}

TEST(StreamPipe, ReaderThatGivesUp_UnwindsTheWriter) {
  int unwound = 0;
  struct Guard {
    int& count;
    ~Guard() { ++count; }
  };
  bool came_through = false;
  {
    StreamPipe pipe(16, [&](ByteSink& sink) {
      const Guard guard{unwound};
      sink.write(numbers(100));
      came_through = true;
    });
    std::array<std::byte, 8> some;
    EXPECT_EQ(pipe.read(some), 8u);
    EXPECT_EQ(unwound, 0);
  }
  EXPECT_EQ(unwound, 1);
  EXPECT_FALSE(came_through);
}

TEST(StreamPipe, NobodyReads_NothingIsBegun) {
  bool is_begun = false;
  {
    const StreamPipe pipe(16, [&](ByteSink&) { is_begun = true; });
  }
  EXPECT_FALSE(is_begun);
}

}  // namespace
}  // namespace assay::migration
