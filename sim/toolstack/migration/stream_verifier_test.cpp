/// What we write by the specification, Xen's own checker accepts.
#include "sim/toolstack/migration/testing/stream_verifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/toolstack/migration/stream_writer.hpp"
#include "sim/toolstack/migration/testing/sample_records.hpp"

namespace assay::migration {
namespace {

class StreamVerifier : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = testing::verifier_missing(); !missing.empty()) GTEST_SKIP() << missing;
  }
  static Bytes stream_of(DomainType type, const std::vector<Record>& records) {
    MemorySink sink;
    StreamWriter writer(sink, {type, 4, 17});
    for (const Record& record : records) writer.write(record);
    return sink.bytes();
  }
};

TEST_F(StreamVerifier, AcceptsWhatIsWritten) {
  EXPECT_EQ(testing::verifier_complaint(stream_of(DomainType::kPv, testing::pv_records())), "");
  EXPECT_EQ(testing::verifier_complaint(stream_of(DomainType::kHvm, testing::hvm_records())), "");
}

TEST_F(StreamVerifier, ComplainsOfACutStream) {
  Bytes stream = stream_of(DomainType::kPv, testing::pv_records());
  stream.pop_back();
  EXPECT_THAT(testing::verifier_complaint(stream), ::testing::HasSubstr("truncated"));
}

}  // namespace
}  // namespace assay::migration
