#include "conformance/runner/frames.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

namespace assay {
namespace {

class Frames : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe(ends_.data()), 0); }
  void TearDown() override {
    ::close(ends_[0]);
    close_writer();
  }
  void close_writer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  void write_raw(std::string_view bytes) const {
    ASSERT_EQ(::write(ends_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  std::array<int, 2> ends_{};
};

TEST_F(Frames, TwoFrames_ComeBackWhole) {
  ASSERT_TRUE(write_frame(ends_[1], FrameKind::kReady, "one"));
  ASSERT_TRUE(write_frame(ends_[1], FrameKind::kResult, ""));
  FrameReader reader(ends_[0]);
  Frame frame{};
  ASSERT_EQ(read_frame_blocking(reader, frame), FrameReader::Status::kFrame);
  EXPECT_EQ(frame.kind, FrameKind::kReady);
  EXPECT_EQ(frame.payload, "one");
  ASSERT_EQ(read_frame_blocking(reader, frame), FrameReader::Status::kFrame);
  EXPECT_EQ(frame.kind, FrameKind::kResult);
  EXPECT_EQ(frame.payload, "");
}

TEST_F(Frames, HalfAFrame_IsMore_ThenClosed) {
  write_raw(std::string_view("ASAY\x01\0\0\0", 8));
  FrameReader reader(ends_[0]);
  Frame frame{};
  EXPECT_EQ(reader.read(frame), FrameReader::Status::kMore);
  close_writer();
  EXPECT_EQ(reader.read(frame), FrameReader::Status::kClosed);
}

TEST_F(Frames, WrongMagic_IsGarbage) {
  write_raw("this is no frame at all");
  FrameReader reader(ends_[0]);
  Frame frame{};
  EXPECT_EQ(reader.read(frame), FrameReader::Status::kGarbage);
}

TEST_F(Frames, HugeLength_IsGarbage_NotAnAllocation) {
  write_raw(std::string_view("ASAY\x01\0\0\0\xff\xff\xff\xff\0\0\0\0", 16));
  FrameReader reader(ends_[0]);
  Frame frame{};
  EXPECT_EQ(reader.read(frame), FrameReader::Status::kGarbage);
}

TEST_F(Frames, DamagedPayload_IsGarbage) {
  write_raw(std::string_view("ASAY\x04\0\0\0\x03\0\0\0\0\0\0\0abc", 19));
  FrameReader reader(ends_[0]);
  Frame frame{};
  EXPECT_EQ(reader.read(frame), FrameReader::Status::kGarbage);
}

TEST_F(Frames, PayloadBeyondTheLimit_IsRefused) {
  EXPECT_FALSE(write_frame(ends_[1], FrameKind::kResult, std::string(kFrameBytesMax + 1, 'x')));
}

}  // namespace
}  // namespace assay
