#include "sim/toolstack/migration/testing/sample_records.hpp"

#include "sim/base/strong.hpp"

namespace assay::migration::testing {

namespace {

Bytes pattern(size_t bytes, unsigned seed) {
  Bytes made(bytes);
  for (size_t i = 0; i < bytes; ++i) made[i] = static_cast<std::byte>(seed + i * 7);
  return made;
}

PageData pages() {
  PageData record;
  record.pages = {{3, PageType::kNormal}, {9, PageType::kInvalid}, {4, PageType::kL1}, {8, PageType::kL4Pinned}};
  record.content = pattern(3 * kPageSize, 1);
  return record;
}

}  // namespace

std::vector<Record> pv_records() {
  using enum RecordType;
  return {PvInfo{8, 4},
          Blob{kCpuidPolicy, pattern(48, 2)},
          Marker{kStaticDataEnd},
          P2mFrames{0, 700, {5, 6}},
          pages(),
          TscInfo{1, 2'400'000, 123'456'789'012, 3},
          SharedInfoPage{pattern(kPageSize, 3)},
          VcpuState{kVcpuBasic, 0, pattern(5168, 4)},
          VcpuState{kVcpuExtended, 0, pattern(128, 5)},
          VcpuState{kVcpuXsave, 0, pattern(600, 6)},
          VcpuState{kVcpuMsrs, 0, pattern(32, 7)},
          Marker{kEnd}};
}

std::vector<Record> hvm_records() {
  using enum RecordType;
  return {Blob{kMsrPolicy, pattern(32, 8)},
          Marker{kStaticDataEnd},
          pages(),
          Marker{kVerify},
          pages(),
          TscInfo{},
          HvmParams{{{0, 11}, {34, ~uint64_t{0}}}},
          Blob{kHvmContext, pattern(1031, 9)},
          Marker{kEnd}};
}

const std::vector<Record>& every_record() {
  static const std::vector<Record> all = [] {
    std::vector<Record> made = pv_records();
    const std::vector<Record> hvm = hvm_records();
    made.insert(made.end(), hvm.begin(), hvm.end());
    made.emplace_back(Blob{RecordType::kToolstack, pattern(5, 10)});
    made.emplace_back(Marker{RecordType::kCheckpoint});
    made.emplace_back(DirtyPfnList{{7, 5, 9}});
    return made;
  }();
  return all;
}

}  // namespace assay::migration::testing
