/// grant_table_op as one vCPU issues it. Every function is one hypercall; nothing is checked here.
///
/// OUT fields hold kUntouched* before each call, so a field that was not written shows.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "conformance/guest/ids.hpp"
#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

constexpr int16_t kUntouchedStatus = static_cast<int16_t>(0xa5a5);
/// A handle that no mapping ever gets.
constexpr grant_handle_t kNoHandle = kUntouched32;

/// What setup_table and get_status_frames answer. `frames` is the whole list afterwards, kUntouched64 where nothing
/// was written.
struct GrantFrames {
  int64_t result;
  int16_t status;
  std::vector<uint64_t> frames;
};

/// IN of map_grant_ref.
struct GrantMap {
  uint64_t host_addr = 0;
  GrantRef ref{};
  DomId dom{};
  uint32_t flags = GNTMAP_host_map;
};

class GrantOps {
 public:
  /// Room for the longest array of any operation: 512 map requests.
  static constexpr uint64_t kArrayPages = 4;

  explicit GrantOps(Vcpu& vcpu) : memory_(vcpu) {}

  [[nodiscard]] Vcpu& vcpu() const { return memory_.vcpu(); }

  GrantFrames setup_table(uint32_t nr_frames, DomId dom = kDomSelf);
  GrantFrames get_status_frames(uint32_t nr_frames, DomId dom = kDomSelf);
  Called<gnttab_query_size_t> query_size(DomId dom = kDomSelf);
  Called<gnttab_set_version_t> set_version(uint32_t version);
  Called<gnttab_get_version_t> get_version(DomId dom = kDomSelf);
  Called<gnttab_map_grant_ref_t> map(const GrantMap& in);
  Called<gnttab_unmap_grant_ref_t> unmap(grant_handle_t handle, uint64_t host_addr, uint64_t dev_bus_addr = 0);
  Called<gnttab_unmap_and_replace_t> unmap_and_replace(grant_handle_t handle, uint64_t host_addr, uint64_t new_addr);
  Called<gnttab_transfer_t> transfer(uint64_t frame, DomId to, GrantRef ref);
  /// `in.status` is overwritten before the call.
  Called<gnttab_copy_t> copy(gnttab_copy_t in);
  Called<gnttab_swap_grant_ref_t> swap(GrantRef a, GrantRef b);
  int64_t cache_flush(uint64_t dev_bus_addr, uint16_t offset, uint16_t length, uint32_t op);

  /// A request with its OUT fields untouched, for arrays.
  static gnttab_map_grant_ref_t map_request(const GrantMap& in);
  static gnttab_unmap_grant_ref_t unmap_request(grant_handle_t handle, uint64_t host_addr, uint64_t dev_bus_addr = 0);

  /// Elements of an array that are zero to the last byte: their padding goes into guest memory too.
  template <typename T>
  static std::vector<T> batch(size_t count) {
    std::vector<T> elements(count);
    std::ranges::fill(std::as_writable_bytes(std::span(elements)), std::byte{0});
    return elements;
  }

  /// One call with an array; the elements are read back. At most kArrayPages of them.
  template <typename T>
  int64_t array(uint32_t command, std::span<T> elements) {
    const Gva at = place(std::as_bytes(elements));
    const int64_t result = raw(command, at, elements.size());
    fetch(at, std::as_writable_bytes(elements));
    return result;
  }
  template <typename T>
  int64_t array(uint32_t command, std::vector<T>& elements) {
    return array(command, std::span<T>(elements));
  }

  /// Any command, pointer and count.
  int64_t raw(uint64_t command, Gva argument, uint64_t count = 1);

 private:
  template <typename T>
  Called<T> one(uint32_t command, const T& argument) {
    const int64_t result = raw(command, memory_.put(argument));
    return {result, memory_.get<T>()};
  }
  template <typename T>
  GrantFrames list_frames(uint32_t command, T argument);
  Gva place(std::span<const std::byte> bytes);
  void fetch(Gva at, std::span<std::byte> bytes);

  Scratch memory_;
  std::optional<Scratch> array_;
};

}  // namespace assay
