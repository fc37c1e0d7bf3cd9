/// A PV64 domain that makes hypercalls: its pages are mapped one after the other at kBase, its page tables read-only.
#pragma once

#include <vector>

#include "hv/domain/context.hpp"
#include "hv/hypercall/testing/caller.hpp"
#include "hv/mm/guest_access.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/page_tables.hpp"

namespace hv::testing {

class PvCallerTest : public CallerTest {
 protected:
  static constexpr uint64_t kBase = 0x4000'0000;
  static constexpr unsigned kPvPages = 32;
  static constexpr unsigned kArgumentPage = 8;  ///< pages before it are the tables and spare
  static constexpr unsigned kListPage = 9;
  static constexpr unsigned kFreePage = 16;  ///< from here on nothing is used
  static constexpr uint64_t kUnmapped = 0x5000'0000;

  PvCallerTest() {
    pv_ = make(DomId{1}, GuestKind::kPv64, 1);
    pv_->memory.max_pages = 64;
    for (unsigned i = 0; i < kPvPages; ++i) {
      pages_.push_back(*alloc_domain_frames(pv_->memory, 0));
      m2p_set(pages_.back(), i);
    }
    build_tables();
    vcpu_guest_context_t context{};
    context.flags = VGCF_in_kernel;
    context.ctrlreg[3] = l4().raw() << kPageShift;
    EXPECT_TRUE(set_pv_context(*pv_->vcpus[0], context).ok());
  }

  [[nodiscard]] Mfn l1() const { return pages_[0]; }
  [[nodiscard]] Mfn l4() const { return pages_[3]; }
  [[nodiscard]] static uint64_t va(unsigned page) { return kBase + page * kPageSize; }
  [[nodiscard]] AddressSpace space() const { return address_space(*pv_->vcpus[0]); }

  template <typename T>
  void pv_put(uint64_t address, const T& value) {
    EXPECT_TRUE(write_guest(space(), Gva{address}, value));
  }
  template <typename T>
  T pv_get(uint64_t address) {
    T value{};
    EXPECT_TRUE(read_guest(space(), value, Gva{address}));
    return value;
  }

  template <typename T>
  int64_t memory_op(uint64_t command, T& argument) {
    pv_put(va(kArgumentPage), argument);
    const int64_t result = call(*pv_, do_memory_op, {command, va(kArgumentPage)});
    argument = pv_get<T>(va(kArgumentPage));
    return result;
  }

  /// Requests of one kind as a list; `done_` is what the call reported.
  template <typename T>
  int64_t batch(Handler handler, const std::vector<T>& requests, uint64_t foreign = DOMID_SELF) {
    for (size_t i = 0; i < requests.size(); ++i) pv_put(va(kListPage) + i * sizeof(T), requests[i]);
    pv_put(va(kArgumentPage), ~0u);
    const int64_t result = call(*pv_, handler, {va(kListPage), requests.size(), va(kArgumentPage), foreign});
    done_ = pv_get<uint32_t>(va(kArgumentPage));
    return result;
  }

  [[nodiscard]] uint64_t entry(Mfn table, unsigned index) const { return frame_as<uint64_t>(table)[index]; }

  Domain* pv_ = nullptr;
  std::vector<Mfn> pages_;
  uint32_t done_ = 0;

 private:
  void build_tables() {
    constexpr uint64_t kBranch = kPtePresent | kPteWritable | kPteUser;
    for (unsigned level = 4; level > 1; --level) {
      frame_as<uint64_t>(pages_[level - 1])[pte_index(Gva{kBase}, level)] = make_pte(pages_[level - 2], kBranch);
    }
    for (unsigned i = 0; i < kPvPages; ++i) {
      frame_as<uint64_t>(l1())[i] = make_pte(pages_[i], i < 4 ? kPtePresent : kPtePresent | kPteWritable);
    }
  }
};

}  // namespace hv::testing
