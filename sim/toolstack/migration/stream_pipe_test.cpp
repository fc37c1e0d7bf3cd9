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

TEST(StreamPipe, WhatLiesInOnePiece_IsReadWhereItLies) {
  const std::vector<std::byte> first = numbers(100), second = numbers(50);
  StreamPipe pipe(1000, [&](ByteSink& sink) {
    sink.write(first);
    sink.write(second);
  });
  EXPECT_EQ(pipe.read_in_place(60).data(), first.data());
  EXPECT_TRUE(pipe.read_in_place(41).empty()) << "40 are left there, and the others lie elsewhere";
  std::vector<std::byte> rest(41);
  EXPECT_EQ(pipe.read(rest), 41u) << "nothing was taken";
  EXPECT_EQ(rest[39], first[99]);
  EXPECT_EQ(rest[40], second[0]);
  EXPECT_EQ(pipe.read_in_place(49).data(), second.data() + 1);
  EXPECT_TRUE(pipe.read_in_place(1).empty()) << "it ends there";
  pipe.finish();
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

TEST(StreamPipe, Closed_TellsWhatTheWriterThrowsOnItsWayOut) {
  const auto fails_at_the_end = [](ByteSink& sink) {
    try {
      sink.write(numbers(100));
    } catch (...) {
      throw std::runtime_error("lost");
    }
  };
  StreamPipe pipe(16, fails_at_the_end);
  std::array<std::byte, 8> some;
  EXPECT_EQ(pipe.read(some), 8u);
  EXPECT_THROW(pipe.close(), std::runtime_error);
  EXPECT_NO_THROW(pipe.close()) << "it is told once";
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
