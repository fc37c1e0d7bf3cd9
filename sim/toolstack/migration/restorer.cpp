#include "sim/toolstack/migration/restorer.hpp"

#include "sim/toolstack/migration/fault.hpp"
#include "sim/toolstack/migration/hvm_restorer.hpp"
#include "sim/toolstack/migration/pv_restorer.hpp"
#include "sim/toolstack/migration/stream_reader.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {

namespace {

/// Records between two checkpoints.
constexpr size_t kHeldRecordsMax = 65536;

class Restorer {
 public:
  Restorer(const Tools& tools, const GuestSpec& spec, const RestoreLimits& limits, DomId domain, StreamReader& reader)
      : spec_(spec), domain_(domain), control_(tools.dom0, domain), reader_(reader) {
    if (spec.type == GuestType::kPv64) {
      pv_.emplace(tools, domain, spec);
    } else {
      hvm_.emplace(tools, domain, spec, limits);
    }
  }

  RestoredDomain run() {
    try {
      while (const auto record = reader_.next_in_place()) admit(*record);
    } catch (const StreamCut& cut) {
      if (checkpoints_ == 0) throw;
      cut_ = cut.what();
    }
    if (cut_.empty()) reader_.must_end();
    held_.clear();
    finish();
    RestoredDomain restored{domain_, spec_.type, {}, {}, checkpoints_, cut_, {}, left_out_};
    if (pv_) {
      restored.left_out.insert(restored.left_out.end(), pv_->left_out().begin(), pv_->left_out().end());
      take_result(*pv_, restored);
    } else {
      take_result(*hvm_, restored);
    }
    return restored;
  }

 private:
  /// Its pages are its own: a copy of what has come.
  struct Held {
    Record record;
    StreamReader::Place place;
  };

  template <typename Part>
  static void take_result(const Part& part, RestoredDomain& restored) {
    restored.frames = part.frames();
    restored.store = part.store();
    restored.console = part.console();
  }

  void finish() {
    try {
      if (pv_) pv_->finish();
      if (hvm_) hvm_->finish();
    } catch (const ToolstackError&) {
      if (!fault("restore.error_is_success")) throw;
    }
  }

  /// Before the first checkpoint there is nothing to lose: what comes is done at once.
  void admit(const Record& record) {
    const RecordType type = type_of(record);
    const bool is_boundary = type == RecordType::kCheckpoint || type == RecordType::kEnd;
    if (is_boundary) {
      apply_held();
      if (type == RecordType::kCheckpoint) ++checkpoints_;
    } else if (checkpoints_ == 0) {
      apply(record, reader_.place());
    } else {
      hold({record, reader_.place()});
    }
  }

  void hold(Held held) {
    if (const auto* const pages = std::get_if<PageData>(&held.record)) held_bytes_ += pages->content.size();
    // Each page once, and once more where somebody sends what changed meanwhile.
    const uint64_t most = 2 * uint64_t{spec_.pages} * kPageSize;
    if (held_bytes_ > most || held_.size() >= kHeldRecordsMax) {
      throw held.place.fault("a checkpoint of more than " + std::to_string(most) + " bytes of memory or " +
                                 std::to_string(kHeldRecordsMax) + " records",
                             "less of a domain of " + std::to_string(spec_.pages) + " pages");
    }
    held_.push_back(std::move(held));
  }

  void apply_held() {
    if (held_.empty()) return;
    if (pv_) pv_->begin_checkpoint();
    for (const Held& held : held_) apply(held.record, held.place);
    held_.clear();
    held_bytes_ = 0;
  }

  void apply(const Record& record, const StreamReader::Place& place) {
    try {
      std::visit([this](const auto& value) { take(value); }, record);
    } catch (const RecordFault& wrong) {
      throw place.fault(wrong.what, wrong.expected);
    }
  }

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
  void take(const HvmParams& record) { hvm_->take(record); }
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
  std::vector<Held> held_;  ///< since the last checkpoint
  uint64_t held_bytes_ = 0, checkpoints_ = 0;
  std::string cut_;
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

RestoredDomain restore_domain(const Tools& tools, const GuestSpec& spec, ByteSource& source,
                              const RestoreLimits& limits) {
  StreamReader reader(source);
  const GuestType type = reader.domain().type == DomainType::kPv ? GuestType::kPv64 : GuestType::kPvh;
  if (type != spec.type) {
    throw reader.place().fault("an image of a " + std::string(to_string(type)) + " domain",
                               "one of a " + std::string(to_string(spec.type)) + " domain");
  }
  const DomId domain = tools.control.create(spec);
  try {
    tools.control.set_max_vcpus(domain, spec.vcpus);
    tools.control.set_max_memory(domain, limits.pages.value_or(spec.pages));
    return Restorer(tools, spec, limits, domain, reader).run();
  } catch (...) {
    discard(tools, domain);
    throw;
  }
}

}  // namespace assay::migration
