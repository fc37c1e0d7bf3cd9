#include "conformance/guest/grant_ops.hpp"

namespace assay {
namespace {

// Frame lists share a page with the structure.
constexpr uint64_t kFrameListAt = 1024;
constexpr uint32_t kFramesMax = (kPageSize - kFrameListAt) / sizeof(uint64_t);

}  // namespace

template <typename T>
GrantFrames GrantOps::list_frames(uint32_t command, T argument) {
  if (argument.nr_frames > kFramesMax) throw HarnessFault("the frame list has no room for so many frames");
  GrantFrames got{0, 0, std::vector<uint64_t>(argument.nr_frames + 1, kUntouched64)};
  if (vcpu().write_bytes(memory_.va(kFrameListAt), std::as_bytes(std::span(got.frames)))) {
    throw HarnessFault("cannot write the frame list");
  }
  argument.status = kUntouchedStatus;
  set_handle(argument.frame_list, memory_.va(kFrameListAt));
  const auto done = one(command, argument);
  got.result = done.result;
  got.status = done.arg.status;
  fetch(memory_.va(kFrameListAt), std::as_writable_bytes(std::span(got.frames)));
  return got;
}

GrantFrames GrantOps::setup_table(uint32_t nr_frames, DomId dom) {
  gnttab_setup_table_t argument{};
  argument.dom = dom.raw();
  argument.nr_frames = nr_frames;
  return list_frames(GNTTABOP_setup_table, argument);
}

GrantFrames GrantOps::get_status_frames(uint32_t nr_frames, DomId dom) {
  gnttab_get_status_frames_t argument{};
  argument.dom = dom.raw();
  argument.nr_frames = nr_frames;
  return list_frames(GNTTABOP_get_status_frames, argument);
}

Called<gnttab_query_size_t> GrantOps::query_size(DomId dom) {
  const gnttab_query_size_t argument{dom.raw(), kUntouched32, kUntouched32, kUntouchedStatus};
  return one(GNTTABOP_query_size, argument);
}

Called<gnttab_set_version_t> GrantOps::set_version(uint32_t version) {
  return one(GNTTABOP_set_version, gnttab_set_version_t{version});
}

Called<gnttab_get_version_t> GrantOps::get_version(DomId dom) {
  const gnttab_get_version_t argument{dom.raw(), 0, kUntouched32};
  return one(GNTTABOP_get_version, argument);
}

gnttab_map_grant_ref_t GrantOps::map_request(const GrantMap& in) {
  return {in.host_addr, in.flags, in.ref.raw(), in.dom.raw(), kUntouchedStatus, kNoHandle, kUntouched64};
}

gnttab_unmap_grant_ref_t GrantOps::unmap_request(grant_handle_t handle, uint64_t host_addr, uint64_t dev_bus_addr) {
  const gnttab_unmap_grant_ref_t request{host_addr, dev_bus_addr, handle, kUntouchedStatus};
  return request;
}

Called<gnttab_map_grant_ref_t> GrantOps::map(const GrantMap& in) {
  return one(GNTTABOP_map_grant_ref, map_request(in));
}

Called<gnttab_unmap_grant_ref_t> GrantOps::unmap(grant_handle_t handle, uint64_t host_addr, uint64_t dev_bus_addr) {
  return one(GNTTABOP_unmap_grant_ref, unmap_request(handle, host_addr, dev_bus_addr));
}

Called<gnttab_unmap_and_replace_t> GrantOps::unmap_and_replace(grant_handle_t handle, uint64_t host_addr,
                                                               uint64_t new_addr) {
  const gnttab_unmap_and_replace_t argument{host_addr, new_addr, handle, kUntouchedStatus};
  return one(GNTTABOP_unmap_and_replace, argument);
}

Called<gnttab_transfer_t> GrantOps::transfer(uint64_t frame, DomId to, GrantRef ref) {
  const gnttab_transfer_t argument{frame, to.raw(), ref.raw(), kUntouchedStatus};
  return one(GNTTABOP_transfer, argument);
}

Called<gnttab_copy_t> GrantOps::copy(gnttab_copy_t in) {
  in.status = kUntouchedStatus;
  return one(GNTTABOP_copy, in);
}

Called<gnttab_swap_grant_ref_t> GrantOps::swap(GrantRef a, GrantRef b) {
  const gnttab_swap_grant_ref_t argument{a.raw(), b.raw(), kUntouchedStatus};
  return one(GNTTABOP_swap_grant_ref, argument);
}

int64_t GrantOps::cache_flush(uint64_t dev_bus_addr, uint16_t offset, uint16_t length, uint32_t op) {
  gnttab_cache_flush_t argument{};
  argument.a.dev_bus_addr = dev_bus_addr;
  argument.offset = offset;
  argument.length = length;
  argument.op = op;
  return one(GNTTABOP_cache_flush, argument).result;
}

int64_t GrantOps::raw(uint64_t command, Gva argument, uint64_t count) {
  return vcpu().hypercall(__HYPERVISOR_grant_table_op, {command, argument.raw(), count});
}

Gva GrantOps::place(std::span<const std::byte> bytes) {
  if (bytes.size() > kArrayPages * kPageSize) throw HarnessFault("the array is longer than GrantOps::kArrayPages");
  if (!array_) array_.emplace(vcpu(), kArrayPages);
  if (!bytes.empty() && vcpu().write_bytes(array_->va(), bytes)) throw HarnessFault("cannot write the array");
  return array_->va();
}

void GrantOps::fetch(Gva at, std::span<std::byte> bytes) {
  if (!bytes.empty() && vcpu().read_bytes(at, bytes)) throw HarnessFault("cannot read results back");
}

}  // namespace assay
