#include "conformance/guest/hvm_context.hpp"

#include <cstring>
#include <span>

namespace assay {

Called<xen_domctl_t> HvmContextOps::get(uint32_t bytes, bool with_buffer) {
  if (buffer_.vcpu().fill(buffer_.va(), kBufferBytes, kUntouchedByte)) throw HarnessFault("cannot prepare the buffer");
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_gethvmcontext, dom_);
  request.u.hvmcontext.size = bytes;
  set_handle(request.u.hvmcontext.buffer, with_buffer ? buffer_.va() : Gva{0});
  return ops_.call(request);
}

int64_t HvmContextOps::set(const std::vector<std::byte>& stream) {
  if (stream.size() > kBufferBytes) throw HarnessFault("the stream is longer than HvmContextOps::kBufferBytes");
  if (!stream.empty() && buffer_.vcpu().write_bytes(buffer_.va(), stream))
    throw HarnessFault("cannot write the stream");
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_sethvmcontext, dom_);
  request.u.hvmcontext.size = static_cast<uint32_t>(stream.size());
  set_handle(request.u.hvmcontext.buffer, buffer_.va());
  return ops_.call(request).result;
}

Called<xen_domctl_t> HvmContextOps::get_partial(uint32_t type, uint32_t instance, uint64_t bytes, bool with_buffer) {
  if (buffer_.vcpu().fill(buffer_.va(), kBufferBytes, kUntouchedByte)) throw HarnessFault("cannot prepare the buffer");
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_gethvmcontext_partial, dom_);
  request.u.hvmcontext_partial.type = type;
  request.u.hvmcontext_partial.instance = instance;
  request.u.hvmcontext_partial.bufsz = bytes;
  set_handle(request.u.hvmcontext_partial.buffer, with_buffer ? buffer_.va() : Gva{0});
  return ops_.call(request);
}

std::vector<std::byte> HvmContextOps::bytes(uint64_t count) const {
  std::vector<std::byte> read(count);
  if (count != 0 && buffer_.vcpu().read_bytes(buffer_.va(), read)) throw HarnessFault("cannot read the buffer");
  return read;
}

std::vector<std::byte> HvmContextOps::save() {
  const auto got = get(kBufferBytes);
  if (got.result != 0) throw HarnessFault("gethvmcontext returned " + std::to_string(got.result));
  return bytes(got.arg.u.hvmcontext.size);
}

std::vector<HvmRecord> parse_hvm_stream(const std::vector<std::byte>& stream) {
  std::vector<HvmRecord> records;
  for (size_t at = 0; at < stream.size();) {
    hvm_save_descriptor descriptor;
    if (stream.size() - at < sizeof descriptor) throw HarnessFault("a save stream ends within a descriptor");
    std::memcpy(&descriptor, &stream[at], sizeof descriptor);
    at += sizeof descriptor;
    if (stream.size() - at < descriptor.length) throw HarnessFault("a save stream ends within a record");
    const auto body = stream.begin() + static_cast<std::ptrdiff_t>(at);
    records.push_back({descriptor.typecode, descriptor.instance, {body, body + descriptor.length}});
    at += descriptor.length;
  }
  return records;
}

std::vector<std::byte> make_hvm_stream(const std::vector<HvmRecord>& records) {
  std::vector<std::byte> stream;
  for (const HvmRecord& record : records) {
    hvm_save_descriptor descriptor;
    descriptor.typecode = record.type;
    descriptor.instance = record.instance;
    descriptor.length = static_cast<uint32_t>(record.body.size());
    const auto bytes = std::as_bytes(std::span(&descriptor, 1));
    stream.insert(stream.end(), bytes.begin(), bytes.end());
    stream.insert(stream.end(), record.body.begin(), record.body.end());
  }
  return stream;
}

}  // namespace assay
