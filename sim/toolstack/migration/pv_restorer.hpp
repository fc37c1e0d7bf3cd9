/// A PV64 domain that is restored: what records add to it, and how it is finished.
#pragma once

#include <map>
#include <optional>

#include "sim/abi/xen.hpp"
#include "sim/toolstack/migration/page_writer.hpp"
#include "sim/toolstack/migration/restorer.hpp"
#include "sim/toolstack/migration/state_control.hpp"

namespace assay::migration {

/// Functions that take a record throw RecordFault when it does not fit what came before; all throw ToolstackError.
class PvRestorer {
 public:
  PvRestorer(const Tools& tools, DomId domain, const GuestSpec& spec)
      : tools_(tools), control_(tools.dom0, domain), domain_(domain), spec_(spec) {}

  void take(const PvInfo& record);
  void take(const P2mFrames& record);
  void take(const PageData& record) { pages_->take(record); }
  void take(const SharedInfoPage& record) { shared_info_ = record; }
  void take(const VcpuState& record);
  /// The state of vCPUs comes anew.
  void begin_checkpoint() { vcpus_.clear(); }
  /// All has come: page tables, p2m list, shared_info, start_info and vCPUs.
  void finish();

  [[nodiscard]] const std::vector<uint64_t>& frames() const { return pages_->frames(); }
  [[nodiscard]] const std::optional<RestoredRing>& store() const { return store_; }
  [[nodiscard]] const std::optional<RestoredRing>& console() const { return console_; }
  [[nodiscard]] const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  [[nodiscard]] uint64_t must_mfn_of(uint64_t pfn, const std::string& what) const;
  void finish_tables();
  void pin_tables();
  void finish_table(uint64_t pfn, std::span<std::byte> content) const;
  void finish_p2m();
  void finish_shared_info();
  void finish_start_info(uint64_t pfn);
  [[nodiscard]] RestoredRing make_ring(uint64_t pfn, const std::string& what) const;
  void finish_vcpus();
  void check_roots(const vcpu_guest_context& context, uint32_t vcpu) const;
  void set_state(const VcpuState& state);

  Tools tools_;
  StateControl control_;
  DomId domain_;
  GuestSpec spec_;
  std::optional<PageWriter> pages_;  ///< once its size is known
  std::vector<uint64_t> p2m_pfns_;
  SharedInfoPage shared_info_;
  uint64_t shared_info_frame_ = 0;
  std::map<std::pair<uint32_t, RecordType>, VcpuState> vcpus_;
  std::optional<RestoredRing> store_, console_;
  std::vector<std::string> left_out_;
};

}  // namespace assay::migration
