/// HVM save streams of another domain.
#include "hv/domain/hvm_records.hpp"
#include "hv/domain/hvm_stream.hpp"
#include "hv/domain/pause.hpp"
#include "hv/hypercall/domctl.hpp"
#include "hv/hypercall/scratch.hpp"

namespace hv {

namespace {

/// No stream of a domain with the most vCPUs comes near.
constexpr uint64_t kStreamBytesMax = 1u << 20;

/// Bytes of the arena for a stream; null also for a size of zero.
class [[nodiscard]] StreamBuffer {
 public:
  explicit StreamBuffer(uint64_t bytes) : bytes_(bytes) {
    if (bytes != 0 && bytes <= kStreamBytesMax) data_ = arena_array<uint8_t>(bytes);
  }
  ~StreamBuffer() { arena_array_free(data_, bytes_); }
  StreamBuffer(const StreamBuffer&) = delete;
  StreamBuffer& operator=(const StreamBuffer&) = delete;
  [[nodiscard]] bool ok() const { return data_ != nullptr || bytes_ == 0; }
  [[nodiscard]] uint8_t* data() const { return data_; }

 private:
  uint8_t* data_ = nullptr;
  uint64_t bytes_;
};

bool applies(const Domctl& ctl) {
  return !ctl.on_self() && ctl.target().kind == GuestKind::kHvm;
}

}  // namespace

int64_t domctl_sethvmcontext(Domctl& ctl) {
  const xen_domctl_hvmcontext& context = ctl.op.u.hvmcontext;
  if (!applies(ctl)) return -XEN_EINVAL;
  const StreamBuffer buffer(context.size);
  if (!buffer.ok()) return -XEN_ENOMEM;
  if (!copy_from_guest(ctl.call.space(), buffer.data(), handle_address(context.buffer), context.size)) {
    return -XEN_EFAULT;
  }
  const PauseGuard guard(ctl.target());
  return hvm_load(ctl.target(), buffer.data(), context.size).raw();
}

int64_t domctl_gethvmcontext(Domctl& ctl) {
  xen_domctl_hvmcontext& context = ctl.op.u.hvmcontext;
  ctl.copy_back = true;
  if (!applies(ctl)) return -XEN_EINVAL;
  const uint64_t bytes = hvm_save_bytes(ctl.target());
  const Gva to = handle_address(context.buffer);
  if (to == Gva{}) {
    context.size = static_cast<uint32_t>(bytes);
    return 0;
  }
  if (context.size < bytes) return -XEN_ENOSPC;
  const StreamBuffer buffer(bytes);
  if (!buffer.ok()) return -XEN_ENOMEM;
  const PauseGuard guard(ctl.target());
  const uint64_t written = hvm_save(ctl.target(), buffer.data());
  context.size = static_cast<uint32_t>(written);
  return copy_to_guest(ctl.call.space(), to, buffer.data(), written) ? 0 : -XEN_EFAULT;
}

int64_t domctl_gethvmcontext_partial(Domctl& ctl) {
  xen_domctl_hvmcontext_partial& context = ctl.op.u.hvmcontext_partial;
  if (!applies(ctl)) return -XEN_EINVAL;
  ctl.copy_back = true;
  const StreamBuffer buffer(kHvmRecordBytesMax);
  if (!buffer.ok()) return -XEN_ENOMEM;
  const PauseGuard guard(ctl.target());
  const Result<uint64_t> bytes = hvm_save_one(ctl.target(), context.type, context.instance, buffer.data());
  if (!bytes.ok()) return bytes.status().raw();
  const Gva to = handle_address(context.buffer);
  if (to != Gva{} && context.bufsz < *bytes) return -XEN_ENOBUFS;
  context.bufsz = *bytes;
  if (to == Gva{}) return 0;
  return copy_to_guest(ctl.call.space(), to, buffer.data(), *bytes) ? 0 : -XEN_EFAULT;
}

}  // namespace hv
