#include "sim/toolstack/migration/record_codec.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "sim/abi/xen.hpp"
#include "sim/toolstack/migration/fault.hpp"

namespace assay::migration {

namespace {

constexpr uint64_t kWord = sizeof(uint64_t);
constexpr uint64_t kCpuidLeafBytes = sizeof(xen_cpuid_leaf_t);
constexpr uint64_t kMsrBytes = sizeof(xen_domctl_vcpu_msr_t);
static_assert(kMsrBytes == sizeof(xen_msr_entry_t));

[[noreturn]] void refuse(std::string what, std::string expected) {
  throw RecordFault{std::move(what), std::move(expected)};
}

/// Reads fields in order. The length of a body is checked before they are taken out of it.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> body) : rest_(body) {}

  void need(uint64_t bytes) const {
    if (rest_.size() >= bytes) return;
    refuse("its body ends " + std::to_string(bytes - rest_.size()) + " bytes too early", "all of its fields");
  }
  void must_be_used_up() const {
    if (!rest_.empty()) refuse(std::to_string(rest_.size()) + " bytes behind its last field", "none");
  }
  template <typename T>
  T take() {
    need(sizeof(T));
    T value;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_ = rest_.subspan(sizeof value);
    return value;
  }
  /// Reserved fields are ignored, whatever they hold.
  void skip(uint64_t bytes) {
    need(bytes);
    rest_ = rest_.subspan(bytes);
  }
  Bytes take_bytes(uint64_t count) {
    need(count);
    const auto part = rest_.first(count);
    rest_ = rest_.subspan(count);
    return {part.begin(), part.end()};
  }
  Bytes take_rest() { return take_bytes(rest_.size()); }
  PageBytes take_pages() { return PageBytes::in_place(std::exchange(rest_, {})); }
  std::vector<uint64_t> take_words(uint64_t count) {
    need(count * kWord);
    std::vector<uint64_t> words(count);
    if (count != 0) std::memcpy(words.data(), rest_.data(), count * kWord);
    rest_ = rest_.subspan(count * kWord);
    return words;
  }
  std::vector<uint64_t> take_words() {
    if (rest_.size() % kWord != 0) refuse(std::to_string(rest_.size()) + " bytes of 8-byte entries", "whole entries");
    return take_words(rest_.size() / kWord);
  }

 private:
  std::span<const std::byte> rest_;
};

class Body {
 public:
  template <typename T>
  Body& put(const T& value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Body& put_bytes(const Bytes& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

void check_page(uint64_t index, const PageEntry& page) {
  const auto name = [&] { return "pfn[" + std::to_string(index) + "]"; };
  if (!is_known(page.type)) {
    refuse(name() + " has type " + std::to_string(static_cast<unsigned>(page.type)),
           "a type of XEN_DOMCTL_PFINFO_* that is not reserved");
  }
  if (page.pfn > kPfnMask) refuse(name() + " is " + std::to_string(page.pfn), "at most 52 bits");
}

uint64_t pages_with_content(const std::vector<PageEntry>& pages) {
  return static_cast<uint64_t>(std::ranges::count_if(pages, [](const PageEntry& p) { return has_content(p.type); }));
}

void check_record(const PageData& record) {
  if (record.pages.empty()) refuse("count is 0", "at least 1");
  for (uint64_t i = 0; i < record.pages.size(); ++i) check_page(i, record.pages[i]);
  const uint64_t wanted = pages_with_content(record.pages) * kPageSize;
  if (record.content.size() != wanted) {
    refuse(std::to_string(record.content.size()) + " bytes of page data",
           std::to_string(wanted) + ", a page for each entry that has one");
  }
}

void check_record(const PvInfo& record) {
  if (record.guest_width != 4 && record.guest_width != 8) {
    refuse("guest_width is " + std::to_string(record.guest_width), "4 or 8");
  }
  const unsigned levels = record.guest_width == 8 ? 4 : 3;
  if (record.page_table_levels != levels) {
    refuse("pt_levels is " + std::to_string(record.page_table_levels),
           std::to_string(levels) + " of a guest of this width");
  }
}

void check_record(const P2mFrames& record) {
  if (record.first_pfn > record.last_pfn) {
    refuse("p2m_start_pfn " + std::to_string(record.first_pfn) + " lies behind p2m_end_pfn " +
               std::to_string(record.last_pfn),
           "a range of pfns");
  }
}

void check_record(const VcpuState& record) {
  if (record.type == RecordType::kVcpuBasic && record.context.empty()) refuse("it has no context", "one");
  if (record.type == RecordType::kVcpuMsrs && record.context.size() % kMsrBytes != 0) {
    refuse(std::to_string(record.context.size()) + " bytes of MSRs", "whole entries of " + std::to_string(kMsrBytes));
  }
}

void check_record(const SharedInfoPage& record) {
  if (record.content.size() != kPageSize) {
    refuse("its body has " + std::to_string(record.content.size()) + " bytes", std::to_string(kPageSize));
  }
}

void check_record(const TscInfo&) {}
void check_record(const HvmParams&) {}
void check_record(const DirtyPfnList&) {}
void check_record(const Marker&) {}

void check_record(const Blob& record) {
  const uint64_t bytes = record.content.size();
  const auto whole_entries = [&](uint64_t unit) {
    if (bytes == 0 || bytes % unit != 0) {
      refuse("its body has " + std::to_string(bytes) + " bytes",
             "at least one entry of " + std::to_string(unit) + " bytes, and whole ones");
    }
  };
  if (record.type == RecordType::kCpuidPolicy) whole_entries(kCpuidLeafBytes);
  if (record.type == RecordType::kMsrPolicy) whole_entries(kMsrBytes);
  if (record.type == RecordType::kHvmContext && bytes == 0) refuse("it has no content", "the context");
}

/// Records without content serve no purpose, and a saver leaves them out (chapter 5); those who read pass over them.
void check_content(const Record& record) {
  const auto* const state = std::get_if<VcpuState>(&record);
  const auto* const params = std::get_if<HvmParams>(&record);
  if ((state && state->context.empty()) || (params && params->params.empty())) {
    refuse("it has no content", "no such record at all");
  }
}

/// All but the pages themselves.
Bytes body_of(const PageData& record) {
  Body body;
  body.put(static_cast<uint32_t>(record.pages.size())).put(uint32_t{0});
  for (const PageEntry& page : record.pages)
    body.put(uint64_t{static_cast<uint8_t>(page.type)} << kPageTypeShift | page.pfn);
  return body.take();
}
Bytes body_of(const PvInfo& record) {
  return Body().put(record.guest_width).put(record.page_table_levels).put(uint16_t{0}).put(uint32_t{0}).take();
}
Bytes body_of(const P2mFrames& record) {
  Body body;
  body.put(record.first_pfn).put(record.last_pfn);
  for (const uint64_t frame : record.frames) body.put(frame);
  return body.take();
}
Bytes body_of(const VcpuState& record) {
  return Body().put(record.vcpu).put(uint32_t{0}).put_bytes(record.context).take();
}
Bytes body_of(const SharedInfoPage& record) {
  return record.content;
}
Bytes body_of(const TscInfo& record) {
  Body body;
  body.put(record.mode).put(record.khz).put(record.elapsed_ns).put(record.incarnation).put(uint32_t{0});
  return body.take();
}
Bytes body_of(const HvmParams& record) {
  Body body;
  body.put(static_cast<uint32_t>(record.params.size())).put(uint32_t{0});
  for (const HvmParam& param : record.params) body.put(param.index).put(param.value);
  return body.take();
}
Bytes body_of(const DirtyPfnList& record) {
  Body body;
  for (const uint64_t pfn : record.pfns) body.put(pfn);
  return body.take();
}
Bytes body_of(const Blob& record) {
  return record.content;
}
Bytes body_of(const Marker&) {
  return {};
}

PageData page_data(Fields& fields) {
  const uint64_t count = fields.take<uint32_t>();
  fields.skip(sizeof(uint32_t));
  const std::vector<uint64_t> words = fields.take_words(count);
  PageData record;
  record.pages.reserve(words.size());
  for (const uint64_t word : words) {
    record.pages.push_back({word & kPfnMask, static_cast<PageType>(word >> kPageTypeShift)});
  }
  record.content = fields.take_pages();
  return record;
}

PvInfo pv_info(Fields& fields) {
  const auto width = fields.take<uint8_t>();
  const auto levels = fields.take<uint8_t>();
  fields.skip(sizeof(uint16_t) + sizeof(uint32_t));
  return {width, levels};
}

P2mFrames p2m_frames(Fields& fields) {
  const auto first = fields.take<uint32_t>();
  const auto last = fields.take<uint32_t>();
  return {first, last, fields.take_words()};
}

VcpuState vcpu_state(RecordType type, Fields& fields) {
  const auto vcpu = fields.take<uint32_t>();
  fields.skip(sizeof(uint32_t));
  return {type, vcpu, fields.take_rest()};
}

TscInfo tsc_info(Fields& fields) {
  TscInfo record;
  record.mode = fields.take<uint32_t>();
  record.khz = fields.take<uint32_t>();
  record.elapsed_ns = fields.take<uint64_t>();
  record.incarnation = fields.take<uint32_t>();
  fields.skip(sizeof(uint32_t));
  return record;
}

HvmParams hvm_params(Fields& fields) {
  const uint64_t count = fields.take<uint32_t>();
  fields.skip(sizeof(uint32_t));
  const std::vector<uint64_t> words = fields.take_words(2 * count);
  HvmParams record;
  const uint64_t taken = fault("stream.entries_rounded_to_none") ? count / 4 * 4 : count;
  for (uint64_t i = 0; i < taken; ++i) record.params.push_back({words[2 * i], words[2 * i + 1]});
  return record;
}

Record read_fields(RecordType type, Fields& fields) {
  switch (type) {
    case RecordType::kPageData:
      return page_data(fields);
    case RecordType::kPvInfo:
      return pv_info(fields);
    case RecordType::kP2mFrames:
      return p2m_frames(fields);
    case RecordType::kVcpuBasic:
    case RecordType::kVcpuExtended:
    case RecordType::kVcpuXsave:
    case RecordType::kVcpuMsrs:
      return vcpu_state(type, fields);
    case RecordType::kSharedInfo:
      return SharedInfoPage{fields.take_rest()};
    case RecordType::kTscInfo:
      return tsc_info(fields);
    case RecordType::kHvmParams:
      return hvm_params(fields);
    case RecordType::kDirtyPfnList:
      return DirtyPfnList{fields.take_words()};
    case RecordType::kHvmContext:
    case RecordType::kToolstack:
    case RecordType::kCpuidPolicy:
    case RecordType::kMsrPolicy:
      return Blob{type, fields.take_rest()};
    case RecordType::kEnd:
    case RecordType::kVerify:
    case RecordType::kCheckpoint:
    case RecordType::kStaticDataEnd:
      return Marker{type};
  }
  refuse("a type that is not known", "one of the specification");
}

RecordType fixed_type(const PageData&) {
  return RecordType::kPageData;
}
RecordType fixed_type(const PvInfo&) {
  return RecordType::kPvInfo;
}
RecordType fixed_type(const P2mFrames&) {
  return RecordType::kP2mFrames;
}
RecordType fixed_type(const VcpuState& record) {
  return record.type;
}
RecordType fixed_type(const SharedInfoPage&) {
  return RecordType::kSharedInfo;
}
RecordType fixed_type(const TscInfo&) {
  return RecordType::kTscInfo;
}
RecordType fixed_type(const HvmParams&) {
  return RecordType::kHvmParams;
}
RecordType fixed_type(const DirtyPfnList&) {
  return RecordType::kDirtyPfnList;
}
RecordType fixed_type(const Blob& record) {
  return record.type;
}
RecordType fixed_type(const Marker& record) {
  return record.type;
}

EncodedBody own_body(Bytes bytes) {
  EncodedBody body{std::move(bytes), {}};
  body.bytes = body.own;
  return body;
}

/// Pages are most of a stream: they stay where they are if there is room in front of them.
EncodedBody joined(Bytes fields, const PageBytes& pages) {
  const std::span<std::byte> front = pages.front();
  if (front.size() < fields.size()) {
    fields.insert(fields.end(), pages.view().begin(), pages.view().end());
    return own_body(std::move(fields));
  }
  const std::span<std::byte> begin = front.last(fields.size());
  std::ranges::copy(fields, begin.begin());
  return {{}, {begin.data(), fields.size() + pages.size()}};
}

}  // namespace

RecordType type_of(const Record& record) {
  return std::visit([](const auto& value) { return fixed_type(value); }, record);
}

EncodedBody encode_in_place(const Record& record) {
  std::visit([](const auto& value) { check_record(value); }, record);
  check_content(record);
  Bytes fields = std::visit([](const auto& value) { return body_of(value); }, record);
  const auto* const pages = std::get_if<PageData>(&record);
  return pages != nullptr ? joined(std::move(fields), pages->content) : own_body(std::move(fields));
}

Bytes encode(const Record& record) {
  EncodedBody body = encode_in_place(record);
  return body.own.empty() ? Bytes(body.bytes.begin(), body.bytes.end()) : std::move(body.own);
}

Record decode(RecordType type, std::span<const std::byte> body) {
  Fields fields(body);
  Record record = read_fields(type, fields);
  fields.must_be_used_up();
  std::visit([](const auto& value) { check_record(value); }, record);
  return record;
}

}  // namespace assay::migration
