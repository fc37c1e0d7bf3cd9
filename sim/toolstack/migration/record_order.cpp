#include "sim/toolstack/migration/record_order.hpp"

#include <algorithm>
#include <initializer_list>

namespace assay::migration {

namespace {

using enum RecordType;

bool is_one_of(RecordType type, std::initializer_list<RecordType> types) {
  return std::ranges::find(types, type) != types.end();
}

bool is_static(RecordType type) {
  return is_one_of(type, {kPvInfo, kCpuidPolicy, kMsrPolicy});
}
bool is_of_vcpu(RecordType type) {
  return is_one_of(type, {kVcpuBasic, kVcpuExtended, kVcpuXsave, kVcpuMsrs});
}
bool is_of_pv(RecordType type) {
  return is_of_vcpu(type) || is_one_of(type, {kPvInfo, kP2mFrames, kSharedInfo});
}
bool is_of_hvm(RecordType type) {
  return is_one_of(type, {kHvmContext, kHvmParams});
}
/// May come any number of times.
bool repeats(RecordType type) {
  return is_of_vcpu(type) || is_one_of(type, {kPageData, kP2mFrames});
}

}  // namespace

void RecordOrder::admit(RecordType type) {
  if (is_complete_) throw RecordFault{"it comes behind END", "nothing"};
  if (is_one_of(type, {kToolstack, kDirtyPfnList})) {
    throw RecordFault{"a record that has no place in a stream from saver to restorer", "another record"};
  }
  if (domain_ == DomainType::kPv ? is_of_hvm(type) : is_of_pv(type)) {
    throw RecordFault{"a record of another type of domain",
                      domain_ == DomainType::kPv ? "one of a PV domain" : "one of an HVM domain"};
  }
  if (version_ < kVersion && is_one_of(type, {kStaticDataEnd, kCpuidPolicy, kMsrPolicy})) {
    throw RecordFault{"a record of version 3 in a stream of version " + std::to_string(version_), "another record"};
  }
  if (!repeats(type) && has(type)) throw RecordFault{"it comes a second time", "at most one"};
  if (is_static(type)) {
    admit_static();
  } else {
    admit_state(type);
  }
  if (!is_one_of(type, {kCheckpoint, kVerify})) seen_.insert(type);
  is_at_checkpoint_ = type == kCheckpoint;
}

void RecordOrder::admit_static() const {
  if (static_data_ended_)
    throw RecordFault{"static data behind STATIC_DATA_END", "data that changes as the domain runs"};
}

void RecordOrder::check_prerequisites(RecordType type) const {
  if (domain_ == DomainType::kPv) {
    if (!has(kPvInfo)) throw RecordFault{"it comes before X86_PV_INFO", "X86_PV_INFO first"};
    const bool needs_p2m = type == kPageData || is_of_vcpu(type);
    if (needs_p2m && !has(kP2mFrames))
      throw RecordFault{"it comes before X86_PV_P2M_FRAMES", "X86_PV_P2M_FRAMES first"};
    if (is_of_vcpu(type) && !has(kPageData)) throw RecordFault{"it comes before any PAGE_DATA", "the memory first"};
    const bool is_late = is_one_of(type, {kPageData, kP2mFrames}) && std::ranges::any_of(seen_, is_of_vcpu);
    if (is_late) throw RecordFault{"memory behind the state of a vCPU", "all memory before the first vCPU"};
  } else if (type == kHvmParams && has(kHvmContext)) {
    throw RecordFault{"it comes behind HVM_CONTEXT", "HVM_PARAMS before it"};
  }
}

void RecordOrder::check_whole(const std::string& where) const {
  const auto need = [&](RecordType type) {
    if (!has(type)) throw RecordFault{"no " + name_of(type) + " has come", name_of(type) + " before " + where};
  };
  need(kPageData);
  if (domain_ == DomainType::kHvm) return need(kHvmContext);
  need(kSharedInfo);
  need(kVcpuBasic);
}

void RecordOrder::admit_state(RecordType type) {
  if (type == kStaticDataEnd) {
    if (domain_ == DomainType::kPv && !has(kPvInfo)) {
      throw RecordFault{"it comes before X86_PV_INFO", "X86_PV_INFO first"};
    }
    static_data_ended_ = true;
    return;
  }
  if (version_ >= kVersion && !static_data_ended_)
    throw RecordFault{"it comes before STATIC_DATA_END", "STATIC_DATA_END"};
  check_prerequisites(type);
  // In a stream of version 2 the static data ends here, without being said.
  static_data_ended_ = true;
  if (type == kEnd) {
    // What the last checkpoint said may be all there is to say.
    if (!is_at_checkpoint_) check_whole("END");
    is_complete_ = true;
  } else if (type == kCheckpoint) {
    check_whole("CHECKPOINT");
    // What may change as the domain runs comes again, as far as it has changed.
    std::erase_if(seen_, [](RecordType t) {
      return is_of_vcpu(t) || is_one_of(t, {kSharedInfo, kTscInfo, kHvmContext, kHvmParams});
    });
  } else if (type == kVerify && !has(kPageData)) {
    throw RecordFault{"it comes before any PAGE_DATA", "the memory first"};
  }
}

}  // namespace assay::migration
