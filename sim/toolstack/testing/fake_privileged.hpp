/// A privileged domain without a hypervisor: memory is a map of pages, hypercalls succeed, or fail where the test says.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>

#include "sim/abi/xen.hpp"
#include "sim/target/target.hpp"

namespace assay::toolstack::testing {

/// What the fake hypervisor has been asked, and what of it is still in effect.
struct FakeState {
  std::map<uint64_t, std::array<std::byte, kPageSize>> pages;  ///< by page number of the virtual address
  std::set<uint64_t> foreign;                                  ///< addresses that map another domain's frame
  bool domain_exists = false;
  bool domain_runs = false;
  uint64_t requests = 0;                 ///< operations of the guest so far: round trips on a real target
  uint64_t calls = 0;                    ///< hypercalls so far, entries of a multicall included
  std::optional<uint64_t> failing_call;  ///< this one of them returns -ENOMEM and does nothing
};

constexpr uint16_t kFakeDomain = 7;

class FakePort : public GuestPort {
 public:
  explicit FakePort(FakeState& state) : state_(&state) {}
  void start(const GuestRequest& request) override { request_ = request; }
  bool await(GuestReply& reply, uint64_t timeout_ns) override;

 private:
  int64_t hypercall(uint64_t number, const uint64_t* args);
  int64_t domctl(uint64_t va);
  int64_t populate(uint64_t va);
  int64_t multicall(uint64_t va, uint64_t count);
  int64_t update_va_mapping(uint64_t number, const uint64_t* args);
  void transfer(uint64_t va, std::byte* out, const std::byte* in, uint64_t bytes);
  template <typename T>
  T get(uint64_t va);
  template <typename T>
  void put(uint64_t va, const T& value);

  FakeState* state_;
  GuestRequest request_;
};

/// dom0 on the fake. Its page tables are one page that is its own L4, L3, L2 and L1, and maps everything.
std::unique_ptr<Domain> make_fake_dom0(FakeState& state);

}  // namespace assay::toolstack::testing
