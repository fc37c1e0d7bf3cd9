#include "sim/toolstack/migration/restorer.hpp"

#include "sim/toolstack/migration/fault.hpp"
#include "sim/toolstack/migration/hvm_restorer.hpp"
#include "sim/toolstack/migration/pv_restorer.hpp"
#include "sim/toolstack/migration/stream_reader.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {

namespace {

class Restorer {
 public:
  Restorer(const Tools& tools, const GuestSpec& spec, DomId domain, StreamReader& reader)
      : spec_(spec), domain_(domain), control_(tools.dom0, domain), reader_(reader) {
    if (spec.type == GuestType::kPv64) {
      pv_.emplace(tools, domain, spec);
    } else {
      hvm_.emplace(tools, domain, spec);
    }
  }

  RestoredDomain run() {
    while (const auto record = reader_.next()) {
      try {
        std::visit([this](const auto& value) { take(value); }, *record);
      } catch (const RecordFault& wrong) {
        throw reader_.fault(wrong.what, wrong.expected);
      } catch (const ToolstackError&) {
        if (!fault("restore.error_is_success") || type_of(*record) != RecordType::kEnd) throw;
      }
    }
    reader_.must_end();
    RestoredDomain restored{domain_, spec_.type, {}, left_out_};
    restored.frames = pv_ ? pv_->frames() : hvm_->frames();
    if (pv_) restored.left_out.insert(restored.left_out.end(), pv_->left_out().begin(), pv_->left_out().end());
    return restored;
  }

 private:
  // The reader lets through what belongs to the domain's type.
  void take(const PageData& record) {
    if (pv_) {
      pv_->take(record);
    } else {
      hvm_->take(record);
    }
  }
  void take(const PvInfo& record) { pv_->take(record); }
  void take(const P2mFrames& record) { pv_->take(record); }
  void take(const SharedInfoPage& record) { pv_->take(record); }
  void take(const VcpuState& record) { pv_->take(record); }
  void take(const HvmParams& record) const { hvm_->take(record); }
  void take(const DirtyPfnList&) const {}
  void take(const TscInfo& record) { control_.set_tsc_info(record); }

  void take(const Blob& record) {
    if (record.type == RecordType::kHvmContext) return hvm_->take_context(record.content);
    if (record.type == RecordType::kCpuidPolicy) policy_.cpuid = record.content;
    if (record.type == RecordType::kMsrPolicy) policy_.msrs = record.content;
    if (record.content.size() > toolstack::Privileged::kBufferBytes / 4) {
      throw RecordFault{std::to_string(record.content.size()) + " bytes", "less than the toolstack's buffer has"};
    }
  }

  void take(const Marker& record) {
    if (record.type == RecordType::kStaticDataEnd) set_policy();
    if (record.type == RecordType::kEnd && pv_) pv_->finish();
    if (record.type == RecordType::kEnd && hvm_) hvm_->finish();
    if (record.type == RecordType::kCheckpoint) throw RecordFault{"a checkpointed stream", "one that ends with END"};
  }

  void set_policy() {
    if (policy_.cpuid.empty() && policy_.msrs.empty()) return;
    if (control_.set_cpu_policy(policy_)) return;
    left_out_.push_back(name_of(RecordType::kCpuidPolicy));
    left_out_.push_back(name_of(RecordType::kMsrPolicy));
  }

  GuestSpec spec_;
  DomId domain_;
  StateControl control_;
  StreamReader& reader_;
  std::optional<PvRestorer> pv_;
  std::optional<HvmRestorer> hvm_;
  StateControl::Policy policy_;
  std::vector<std::string> left_out_;
};

/// What is left of a failed restore goes; the error that is under way matters more than one of the clean-up.
void discard(const Tools& tools, DomId domain) {
  try {
    tools.window.unmap();
    (void)tools.control.destroy(domain);
  } catch (const ToolstackError&) {
  }
}

}  // namespace

RestoredDomain restore_domain(const Tools& tools, const GuestSpec& spec, ByteSource& source) {
  StreamReader reader(source);
  const GuestType type = reader.domain().type == DomainType::kPv ? GuestType::kPv64 : GuestType::kPvh;
  if (type != spec.type) {
    throw reader.fault("an image of a " + std::string(to_string(type)) + " domain",
                       "one of a " + std::string(to_string(spec.type)) + " domain");
  }
  const DomId domain = tools.control.create(spec);
  try {
    tools.control.set_max_vcpus(domain, spec.vcpus);
    tools.control.set_max_memory(domain, spec.pages);
    return Restorer(tools, spec, domain, reader).run();
  } catch (...) {
    discard(tools, domain);
    throw;
  }
}

}  // namespace assay::migration
