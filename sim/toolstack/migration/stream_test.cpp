/// Streams as bytes: what is written is read, and what nobody should have written is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "sim/abi/xen.hpp"
#include "sim/target/target.hpp"
#include "sim/toolstack/migration/record_codec.hpp"
#include "sim/toolstack/migration/stream_reader.hpp"
#include "sim/toolstack/migration/testing/sample_records.hpp"

namespace assay::migration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::hvm_records;
using testing::pv_records;

constexpr uint64_t kHeaders = kImageHeaderBytes + kDomainHeaderBytes;

Bytes stream_of(DomainType type, const std::vector<Record>& records) {
  MemorySink sink;
  StreamWriter writer(sink, {type, 4, 17});
  for (const Record& record : records) writer.write(record);
  EXPECT_EQ(writer.bytes_written(), sink.bytes().size());
  return sink.bytes();
}

std::vector<Record> read_all(const Bytes& bytes) {
  MemorySource source(bytes);
  StreamReader reader(source);
  std::vector<Record> records;
  while (auto record = reader.next()) records.push_back(*std::move(record));
  reader.must_end();
  return records;
}

std::string refusal(const Bytes& bytes) {
  try {
    read_all(bytes);
  } catch (const StreamError& error) {
    return error.what();
  }
  return "accepted";
}

void put(Bytes& bytes, uint64_t at, const auto& value) {
  ASSERT_LE(at + sizeof value, bytes.size());
  std::memcpy(&bytes[at], &value, sizeof value);
}

Bytes raw_record(uint32_t type, const Bytes& body) {
  Bytes bytes(kRecordHeaderBytes);
  put(bytes, 0, type);
  put(bytes, 4, static_cast<uint32_t>(body.size()));
  bytes.insert(bytes.end(), body.begin(), body.end());
  bytes.resize((bytes.size() + 7) / 8 * 8);
  return bytes;
}

/// The stream with bytes put in at an offset.
Bytes with(Bytes bytes, uint64_t at, const Bytes& more) {
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), more.begin(), more.end());
  return bytes;
}

TEST(MigrationStream, WhatIsWritten_IsRead) {
  EXPECT_EQ(read_all(stream_of(DomainType::kPv, pv_records())), pv_records());
  EXPECT_EQ(read_all(stream_of(DomainType::kHvm, hvm_records())), hvm_records());
}

TEST(MigrationStream, Headers_AreAsTheSpecificationHasThem) {
  const Bytes bytes = stream_of(DomainType::kPv, {});
  const std::vector<uint8_t> expected{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'X', 'E', 'N', 'F', 0, 0,
                                      0,    3,    0,    0,    0,    0,    0,    0,    0,   0,   1,   0,   0, 0,
                                      12,   0,    0,    0,    4,    0,    0,    0,    17,  0,   0,   0};
  ASSERT_EQ(bytes.size(), expected.size());
  EXPECT_EQ(std::memcmp(bytes.data(), expected.data(), expected.size()), 0);
}

TEST(MigrationStream, Records_ArePaddedToEightBytes) {
  for (uint64_t length = 1; length <= 9; ++length) {
    const Bytes bytes = stream_of(DomainType::kHvm, {Marker{RecordType::kStaticDataEnd},
                                                     Blob{RecordType::kHvmContext, Bytes(length, std::byte{0xee})}});
    const uint64_t start = kHeaders + 2 * kRecordHeaderBytes;
    ASSERT_EQ(bytes.size(), start + (length + 7) / 8 * 8);
    for (uint64_t i = length; start + i < bytes.size(); ++i) EXPECT_EQ(bytes[start + i], std::byte{0});
  }
}

class EveryType : public ::testing::TestWithParam<size_t> {};

TEST_P(EveryType, BodyIsReadAsItWasWritten) {
  const Record& record = testing::every_record()[GetParam()];
  EXPECT_EQ(decode(type_of(record), encode(record)), record);
}

TEST_P(EveryType, ShortOrLongBody_IsRefusedOrAnotherRecord) {
  const Record& record = testing::every_record()[GetParam()];
  Bytes body = encode(record);
  for (const int change : {-1, 1}) {
    Bytes other = body;
    if (change < 0 && body.empty()) continue;
    other.resize(body.size() + static_cast<size_t>(change));
    try {
      EXPECT_FALSE(decode(type_of(record), other) == record);
    } catch (const RecordFault& fault) {
      EXPECT_FALSE(fault.what.empty());
    }
  }
}

TEST(EveryTypeIsThere, OnceAtLeast) {
  std::set<RecordType> types;
  for (const Record& record : testing::every_record()) types.insert(type_of(record));
  EXPECT_EQ(types.size(), kRecordTypes);
}

INSTANTIATE_TEST_SUITE_P(MigrationRecord, EveryType, ::testing::Range<size_t>(0, testing::every_record().size()),
                         [](const auto& index) {
                           return name_of(type_of(testing::every_record()[index.param])) + "_" +
                                  std::to_string(index.param);
                         });

TEST(MigrationStream, CutAnywhere_SaysWhereAndWhatIsMissing) {
  const Bytes whole = stream_of(DomainType::kPv, pv_records());
  for (uint64_t length = 0; length < whole.size(); length += length < 200 || length + 200 > whole.size() ? 1u : 61u) {
    const std::string said = refusal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    EXPECT_THAT(said, AllOf(HasSubstr("the stream ends"), HasSubstr("more bytes")));
  }
}

TEST(MigrationStream, ForeignHeaders_AreRefusedWithTheField) {
  const Bytes good = stream_of(DomainType::kPv, pv_records());
  const auto changed = [&](uint64_t at, uint8_t value) {
    Bytes bytes = good;
    bytes[at] = std::byte{value};
    return refusal(bytes);
  };
  EXPECT_THAT(changed(0, 0), HasSubstr("all ones"));
  EXPECT_THAT(changed(8, 'Y'), HasSubstr("XENF"));
  EXPECT_THAT(changed(15, 1), HasSubstr("version is 1; expected 2 to 3"));
  EXPECT_THAT(changed(15, 4), HasSubstr("version is 4"));
  EXPECT_THAT(changed(17, 1), HasSubstr("big-endian"));
  EXPECT_THAT(changed(24, 3), HasSubstr("type is 3"));
  EXPECT_THAT(changed(28, 21), HasSubstr("page_shift is 21; expected 12"));
}

TEST(MigrationStream, ReservedFields_AreIgnored) {
  Bytes bytes = stream_of(DomainType::kPv, pv_records());
  bytes[16] = bytes[19] = bytes[23] = bytes[30] = std::byte{0xff};  // of the headers
  bytes[kHeaders + kRecordHeaderBytes + 4] = std::byte{0xff};       // of X86_PV_INFO
  EXPECT_EQ(read_all(bytes), pv_records());
}

TEST(MigrationStream, UnknownRecords_MandatoryIsRefusedOptionalIsPassedOver) {
  const Bytes good = stream_of(DomainType::kPv, pv_records());
  const Bytes odd(13, std::byte{7});
  EXPECT_EQ(refusal(with(good, kHeaders, raw_record(0x13, odd))),
            "migration stream, record 0 (0x13) at offset 0x28: a mandatory record that is not known; expected a record "
            "of version 3");
  EXPECT_THAT(refusal(with(good, kHeaders, raw_record(0x7fffffff, odd))), HasSubstr("mandatory"));
  EXPECT_EQ(read_all(with(good, kHeaders, raw_record(0x80000000, odd))), pv_records());
  EXPECT_EQ(read_all(with(good, kHeaders, raw_record(0xffffffff, {}))), pv_records());
}

TEST(MigrationStream, OversizedBody_IsRefusedBeforeItIsRead) {
  Bytes bytes = stream_of(DomainType::kPv, {PvInfo{}, Marker{RecordType::kStaticDataEnd}, P2mFrames{0, 0, {1}}});
  Bytes header(kRecordHeaderBytes);
  put(header, 0, uint32_t{1});
  put(header, 4, uint32_t{0xffffffff});
  bytes.insert(bytes.end(), header.begin(), header.end());
  EXPECT_THAT(refusal(bytes),
              AllOf(HasSubstr("record 3 (PAGE_DATA)"), HasSubstr("4294967295 bytes; expected at most")));
}

TEST(MigrationStream, BytesBehindEnd_AreRefused) {
  Bytes bytes = stream_of(DomainType::kHvm, hvm_records());
  bytes.push_back(std::byte{0});
  EXPECT_THAT(refusal(bytes), HasSubstr("goes on"));
}

/// Records in another order, or others than a domain has, each refused by the reader and by the writer.
struct Disorder {
  const char* name;
  DomainType domain;
  std::vector<Record> records;
  const char* said;
};

/// The sample with record `from` moved to `to`.
std::vector<Record> moved(std::vector<Record> records, size_t from, size_t to) {
  const Record record = records[from];
  records.erase(records.begin() + static_cast<std::ptrdiff_t>(from));
  records.insert(records.begin() + static_cast<std::ptrdiff_t>(to), record);
  return records;
}
std::vector<Record> without(std::vector<Record> records, RecordType type) {
  std::erase_if(records, [&](const Record& record) { return type_of(record) == type; });
  return records;
}
std::vector<Record> plus(std::vector<Record> records, size_t at, const Record& more) {
  records.insert(records.begin() + static_cast<std::ptrdiff_t>(at), more);
  return records;
}
size_t index_of(const std::vector<Record>& records, RecordType type) {
  size_t index = 0;
  while (type_of(records[index]) != type) ++index;
  return index;
}

std::vector<Disorder> disorders() {
  using enum RecordType;
  const std::vector<Record> pv = pv_records(), hvm = hvm_records();
  const size_t p2m = index_of(pv, kP2mFrames), pages = index_of(pv, kPageData), vcpu = index_of(pv, kVcpuBasic);
  return {
      {"StaticDataEndMissing", DomainType::kPv, without(pv, kStaticDataEnd), "STATIC_DATA_END"},
      {"PvInfoMissing", DomainType::kPv, without(pv, kPvInfo), "X86_PV_INFO"},
      {"P2mMissing", DomainType::kPv, without(pv, kP2mFrames), "before X86_PV_P2M_FRAMES"},
      {"PagesMissing", DomainType::kPv, without(pv, kPageData), "PAGE_DATA"},
      {"SharedInfoMissing", DomainType::kPv, without(pv, kSharedInfo), "no SHARED_INFO has come"},
      {"VcpuMissing", DomainType::kPv, without(pv, kVcpuBasic), "no X86_PV_VCPU_BASIC has come"},
      {"PagesBeforeP2m", DomainType::kPv, moved(pv, pages, p2m), "before X86_PV_P2M_FRAMES"},
      {"VcpuBeforePages", DomainType::kPv, moved(pv, vcpu, pages), "before any PAGE_DATA"},
      {"PagesBehindVcpu", DomainType::kPv, plus(pv, vcpu + 1, pv[pages]), "behind the state of a vCPU"},
      {"PolicyBehindStaticData", DomainType::kPv, plus(pv, p2m, Blob{kMsrPolicy, Bytes(16)}), "behind STATIC_DATA_END"},
      {"TwoSharedInfos", DomainType::kPv, plus(pv, vcpu, pv[index_of(pv, kSharedInfo)]), "a second time"},
      {"HvmInPv", DomainType::kPv, plus(pv, vcpu, hvm[index_of(hvm, kHvmParams)]), "another type of domain"},
      {"PvInHvm", DomainType::kHvm, plus(hvm, 0, PvInfo{}), "another type of domain"},
      {"ContextMissing", DomainType::kHvm, without(hvm, kHvmContext), "no HVM_CONTEXT has come"},
      {"ParamsBehindContext", DomainType::kHvm, moved(hvm, index_of(hvm, kHvmParams), index_of(hvm, kHvmContext)),
       "behind HVM_CONTEXT"},
      {"Toolstack", DomainType::kHvm, plus(hvm, 1, Blob{kToolstack, Bytes(8)}), "no place"},
      {"BackChannel", DomainType::kHvm, plus(hvm, 1, DirtyPfnList{{1}}), "no place"},
      {"CheckpointOfHalf", DomainType::kHvm, plus(hvm, index_of(hvm, kHvmContext), Marker{kCheckpoint}), "CHECKPOINT"},
  };
}

class Order : public ::testing::TestWithParam<size_t> {};

TEST_P(Order, IsRefusedByWhoReadsAndWhoWrites) {
  const Disorder disorder = disorders()[GetParam()];
  EXPECT_THROW(stream_of(disorder.domain, disorder.records), HarnessFault);
  Bytes bytes = stream_of(disorder.domain, {});
  for (const Record& record : disorder.records) {
    const Bytes raw = raw_record(static_cast<uint32_t>(type_of(record)), encode(record));
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  }
  EXPECT_THAT(refusal(bytes), HasSubstr(disorder.said));
}

INSTANTIATE_TEST_SUITE_P(MigrationStream, Order, ::testing::Range<size_t>(0, disorders().size()),
                         [](const auto& index) { return std::string(disorders()[index.param].name); });

TEST(MigrationStream, Checkpoints_BeginStateAnew) {
  std::vector<Record> records = pv_records();
  records.pop_back();
  std::vector<Record> twice = records;
  twice.emplace_back(Marker{RecordType::kCheckpoint});
  const size_t pages = index_of(records, RecordType::kPageData);
  twice.insert(twice.end(), records.begin() + static_cast<std::ptrdiff_t>(pages), records.end());
  twice.emplace_back(Marker{RecordType::kEnd});
  EXPECT_EQ(read_all(stream_of(DomainType::kPv, twice)), twice);
}

TEST(MigrationStream, VersionTwo_InfersTheEndOfStaticData) {
  Bytes bytes = stream_of(DomainType::kPv, {});
  bytes[15] = std::byte{2};
  std::vector<Record> records = without(without(pv_records(), RecordType::kStaticDataEnd), RecordType::kCpuidPolicy);
  records = without(records, RecordType::kMsrPolicy);
  Bytes old = bytes;
  for (const Record& record : records) {
    const Bytes raw = raw_record(static_cast<uint32_t>(type_of(record)), encode(record));
    old.insert(old.end(), raw.begin(), raw.end());
  }
  EXPECT_EQ(read_all(old), records);
  EXPECT_THAT(refusal(with(old, kHeaders, raw_record(0x10, {}))), HasSubstr("a record of version 3"));
}

/// Releases of Xen wrote them; serving nothing, they are passed on as what they are.
TEST(MigrationRecord, EmptyOnesOfOldReleases_AreReadAndNotWritten) {
  const Record empty = decode(RecordType::kVcpuMsrs, Bytes(8));
  EXPECT_EQ(empty, Record(VcpuState{RecordType::kVcpuMsrs, 0, {}}));
  EXPECT_THROW(encode(empty), RecordFault);
  EXPECT_THROW(encode(decode(RecordType::kHvmParams, Bytes(8))), RecordFault);
}

TEST(MigrationRecord, PageData_CountsPagesByTheirTypes) {
  const auto fault_of = [](const PageData& record) -> std::string {
    try {
      (void)encode(record);
    } catch (const RecordFault& fault) {
      return fault.what;
    }
    return "";
  };
  EXPECT_THAT(fault_of({{}, {}}), HasSubstr("count is 0"));
  EXPECT_THAT(fault_of({{{1, PageType::kNormal}}, {}}), HasSubstr("0 bytes of page data"));
  EXPECT_THAT(fault_of({{{1, PageType::kInvalid}}, Bytes(kPageSize)}), HasSubstr("4096 bytes of page data"));
  for (const unsigned reserved : {5u, 6u, 7u, 8u}) {
    EXPECT_THAT(fault_of({{{1, static_cast<PageType>(reserved)}}, Bytes(kPageSize)}), HasSubstr("has type"));
  }
  EXPECT_EQ(fault_of({{{1, PageType::kBroken}, {2, PageType::kAllocateOnly}, {3, PageType::kInvalid}}, {}}), "");
}

TEST(MigrationRecord, PagesWithRoomInFront_AreSentFromWhereTheyLie) {
  PageRoom room;
  const std::span<std::byte> taken = room.take(2 * kPageSize);
  std::ranges::fill(taken, std::byte{7});
  const Record record = PageData{{{1, PageType::kNormal}, {5, PageType::kNormal}}, room.content(taken)};
  const Record apart = record;
  const EncodedBody body = encode_in_place(record);
  EXPECT_TRUE(body.own.empty());
  EXPECT_EQ(body.bytes.last(taken.size()).data(), taken.data());
  EXPECT_EQ(decode(RecordType::kPageData, body.bytes), apart);
  EXPECT_EQ(encode(apart), encode(record)) << "a copy has pages of its own, and no room in front of them";
  EXPECT_FALSE(encode_in_place(apart).own.empty());
}

/// A size that is no whole number of entries must not become a number of entries by rounding.
TEST(MigrationRecord, PartsOfEntries_AreRefused) {
  EXPECT_THROW(encode(VcpuState{RecordType::kVcpuMsrs, 0, Bytes(15)}), RecordFault);
  EXPECT_THROW(encode(VcpuState{RecordType::kVcpuMsrs, 0, Bytes(17)}), RecordFault);
  EXPECT_THROW(encode(Blob{RecordType::kCpuidPolicy, Bytes(23)}), RecordFault);
  EXPECT_THROW(encode(Blob{RecordType::kMsrPolicy, Bytes(15)}), RecordFault);
  EXPECT_NO_THROW(encode(VcpuState{RecordType::kVcpuMsrs, 0, Bytes(16)}));
}

}  // namespace
}  // namespace assay::migration
