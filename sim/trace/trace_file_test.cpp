#include "sim/trace/trace_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/engine/machine_digest.hpp"
#include "sim/engine/rng.hpp"
#include "sim/trace/perfetto.hpp"
#include "sim/trace/testing/scene.hpp"
#include "sim/trace/trace_text.hpp"

namespace assay::trace {
namespace {

using ::testing::HasSubstr;

constexpr size_t kDigestBytes = 8;
constexpr size_t kCountPlace = 8 + 4 + 4 + 13 + 8;  // magic, version, subject, dropped

Trace read(const std::string& file) {
  return from_bytes(std::as_bytes(std::span(file)));
}

std::string refusal(const std::string& file) {
  try {
    read(file);
    return "";
  } catch (const TraceFileError& error) {
    return error.what();
  }
}

/// As the writer would have ended what is before the last bytes.
void fit_digest(std::string& file) {
  file.resize(file.size() - kDigestBytes);
  MachineDigest digest;
  digest.fold_bytes(std::as_bytes(std::span(file)));
  for (size_t i = 0; i < kDigestBytes; ++i) file += static_cast<char>(digest.value() >> 8 * i);
}

/// All that can be shown of it: whatever a file holds, this ends well.
void show(const Trace& trace) {
  size_t bytes = 0;
  const auto sink = [&](std::string_view text) { bytes += text.size(); };
  print_events(trace, SIZE_MAX, sink);
  print_around(trace, 5'000, sink);
  write_perfetto(trace, sink);
  EXPECT_GT(bytes, 0u);
}

TEST(TraceFile, WhatIsWritten_IsRead) {
  const Trace trace = small_trace();
  const std::string file = to_bytes(trace);
  const Trace again = read(file);
  EXPECT_EQ(again.subject, "a small trace");
  ASSERT_EQ(again.events.size(), trace.events.size());
  for (size_t i = 0; i < trace.events.size(); ++i) {
    EXPECT_EQ(describe(again.events[i]), describe(trace.events[i]));
  }
  EXPECT_EQ(to_bytes(again), file);
}

TEST(TraceFile, WhatIsNoTrace_IsRefused) {
  EXPECT_THAT(refusal(""), HasSubstr("not a trace"));
  EXPECT_THAT(refusal("ASSAY"), HasSubstr("not a trace"));
  EXPECT_THAT(refusal(std::string("\x7f") + "ELF and so on"), HasSubstr("not a trace"));
}

TEST(TraceFile, OtherVersion_IsRefused_ByItsNumber) {
  std::string file = to_bytes(small_trace());
  file[8] = 2;
  EXPECT_EQ(refusal(file), "a trace of version 2; this program reads version 1");
}

TEST(TraceFile, EveryTruncation_IsRefused) {
  const std::string file = to_bytes(small_trace());
  for (size_t bytes = 0; bytes < file.size(); ++bytes) EXPECT_NE(refusal(file.substr(0, bytes)), "") << bytes;
  EXPECT_THAT(refusal(file + "x"), HasSubstr("more follows"));
}

TEST(TraceFile, CountOfMoreThanTheFileHolds_IsRefusedAtOnce) {
  std::string file = to_bytes(small_trace());
  for (size_t i = 0; i < 8; ++i) file[kCountPlace + i] = '\xff';
  fit_digest(file);
  EXPECT_THAT(refusal(file), HasSubstr("cut short, at byte 45"));
}

TEST(TraceFile, AnyDamagedByte_IsNoticed) {
  const std::string file = to_bytes(small_trace());
  for (size_t i = 0; i < file.size(); ++i) {
    std::string damaged = file;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_NE(refusal(damaged), "") << i;
  }
}

/// With a digest that fits, much of it is a trace; it may be nonsense, but it can be shown.
TEST(TraceFile, MutatedFiles_AreRefusedOrShown) {
  const std::string file = to_bytes(small_trace());
  Rng rng = Rng(1).fork("mutated traces");
  constexpr int kFiles = 30'000;
  int accepted = 0;
  for (int i = 0; i < kFiles; ++i) {
    std::string mutated = file;
    for (uint64_t changes = 1 + rng.below(4); changes != 0; --changes) {
      char& byte = mutated[rng.below(mutated.size() - kDigestBytes)];
      const uint64_t flipped = static_cast<unsigned char>(byte) ^ (uint64_t{1} << rng.below(8));
      byte = static_cast<char>(rng.below(2) == 0 ? rng.next() : flipped);
    }
    if (rng.below(8) == 0) mutated.resize(kDigestBytes + rng.below(mutated.size() - kDigestBytes));
    fit_digest(mutated);
    try {
      const Trace trace = read(mutated);
      if (++accepted % 16 == 0) show(trace);
    } catch (const TraceFileError&) {
    }
  }
  EXPECT_GT(accepted, kFiles / 4);
}

TEST(TraceFile, Garbage_IsRefused) {
  Rng rng = Rng(1).fork("garbage");
  const std::string header = to_bytes(Trace{}).substr(0, 12);
  for (int i = 0; i < 10'000; ++i) {
    std::string garbage = rng.below(2) == 0 ? header : "";
    for (uint64_t bytes = rng.below(200); bytes != 0; --bytes) garbage += static_cast<char>(rng.next());
    EXPECT_NE(refusal(garbage), "");
  }
}

}  // namespace
}  // namespace assay::trace
