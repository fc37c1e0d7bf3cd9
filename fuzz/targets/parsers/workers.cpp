/// What comes from a worker process, which may hold a subject that writes wherever it likes.
#include <unistd.h>

#include <array>
#include <utility>

#include "conformance/runner/case_result.hpp"
#include "conformance/runner/frames.hpp"
#include "conformance/runner/worker.hpp"
#include "fuzz/targets/entropy.hpp"
#include "fuzz/targets/fuzz_target.hpp"

namespace assay::fuzz {
namespace {

constexpr size_t kPipeBytes = 65536;  ///< fit into a pipe without a reader

std::pair<Fd, Fd> make_pipe() {
  std::array<int, 2> ends{};
  must(pipe(ends.data()) == 0, "there are pipes");
  return {Fd(ends[0]), Fd(ends[1])};
}

/// A worker that writes `input`, and dies.
void read_frames(std::string_view input) {
  auto [from, to] = make_pipe();
  must(write(to.get(), input.data(), input.size()) == static_cast<ssize_t>(input.size()), "a pipe takes the input");
  to.reset();
  FrameReader reader(from.get());
  Frame frame{};
  size_t bytes = 0;
  while (read_frame_blocking(reader, frame) == FrameReader::Status::kFrame) bytes += frame.payload.size();
  must(bytes <= input.size(), "no more arrives than was sent");
}

/// The same with frames that are whole, of any kind.
void read_whole_frames(std::string_view input) {
  auto [from, to] = make_pipe();
  InputReader reader(input);
  std::vector<std::string_view> sent;
  while (!reader.is_empty()) {
    const auto kind = static_cast<FrameKind>(1 + reader.number<uint8_t>() % 5);
    sent.push_back(reader.text(reader.number<uint8_t>()));
    must(write_frame(to.get(), kind, sent.back()), "a frame is written");
  }
  to.reset();
  FrameReader frames(from.get());
  Frame frame{};
  for (const std::string_view payload : sent) {
    must(read_frame_blocking(frames, frame) == FrameReader::Status::kFrame, "a frame arrives");
    must(frame.payload == payload, "a frame arrives as it was sent");
  }
}

void decode_payloads(std::string_view input) {
  try {
    const CaseResult result = decode_result(input);
    must(encode(result) == encode(decode_result(encode(result))), "a result survives its way");
  } catch (const std::exception&) {
  }
  try {
    const TargetInfo info = decode_target_info(input);
    must(encode(info) == encode(decode_target_info(encode(info))), "what a target is survives its way");
  } catch (const std::exception&) {
  }
}

const FuzzTarget kFrames{{
    .name = "worker_frames",
    .reads = "frames from worker processes",
    .run =
        [](std::string_view input) {
          const std::string_view fitting = input.substr(0, kPipeBytes);
          read_frames(fitting);
          read_whole_frames(fitting);
        },
    .bytes_max = 1024,
}};

const FuzzTarget kPayloads{{
    .name = "worker_payloads",
    .reads = "results of cases and descriptions of targets, from worker processes",
    .run = decode_payloads,
    .bytes_max = 1024,
}};

}  // namespace
}  // namespace assay::fuzz
