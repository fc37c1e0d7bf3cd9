#include <algorithm>
#include <string_view>
#include <type_traits>

#include "sim/engine/machine_digest.hpp"
#include "sim/trace/trace_format.hpp"

namespace assay::trace {
namespace {

class Writer {
 public:
  template <typename T>
  void number(T value) {
    static_assert(std::is_integral_v<T>);
    const auto bits = static_cast<uint64_t>(value);
    for (size_t i = 0; i < sizeof(T); ++i) text_ += static_cast<char>(bits >> 8 * i);
  }
  void raw(std::string_view bytes) { text_ += bytes; }
  void bytes(std::span<const std::byte> bytes, size_t max) {
    const auto kept = bytes.first(std::min(bytes.size(), max));
    number(static_cast<uint32_t>(kept.size()));
    text_.append(reinterpret_cast<const char*>(kept.data()), kept.size());
  }
  std::string finish() {
    MachineDigest digest;
    digest.fold_bytes(std::as_bytes(std::span(text_)));
    number(digest.value());
    return std::move(text_);
  }

  void write(const Occupant& occupant) {
    number(static_cast<uint8_t>(occupant.kind));
    write(occupant.vcpu);
  }
  void write(const VcpuName& vcpu) {
    number(vcpu.domid);
    number(vcpu.vcpu);
  }
  void write(const assay_exit& left) {
    for (const uint32_t word :
         {left.reason, left.vector, left.error_code, left.access, left.size, left.is_write, left.has_error_code}) {
      number(word);
    }
    for (const uint64_t word : {left.address, left.index, left.value}) number(word);
  }
  void write(const Return& back) {
    number(back.now_ns);
    number(back.pcpu);
    number(back.rip);
    for (const uint64_t value : back.values) number(value);
    bytes(back.argument, kArgumentBytesMax);
  }
  void write(const Exit& exit) {
    write(exit.left);
    number(exit.rip);
    number(exit.rax);
    for (const uint64_t argument : exit.arguments) number(argument);
    number(exit.mode);
    number(exit.code_bits);
    number(static_cast<uint8_t>(exit.gave_up_pcpu));
    number(static_cast<uint8_t>(exit.back.has_value()));
    if (exit.back) write(*exit.back);
    bytes(exit.argument, kArgumentBytesMax);
    bytes(exit.code, kCodeBytesMax);
    number(exit.code_before);
  }
  void write(const Switch& change) {
    write(change.from);
    write(change.to);
  }
  void write(const Delivery& delivery) {
    number(static_cast<uint8_t>(delivery.vector.has_value()));
    number(delivery.vector.value_or(0));
    number(delivery.rip);
    number(delivery.from_rip);
  }
  void write(const CoreEvent& event) {
    number(event.id);
    number(event.count);
    for (size_t i = 0; i < event.count; ++i) number(event.words[i]);
  }
  void write(const Event& event) {
    number(event.now_ns);
    number(event.pcpu);
    number(static_cast<uint8_t>(event.what.index()));
    number(static_cast<uint8_t>(event.vcpu.has_value()));
    if (event.vcpu) write(*event.vcpu);
    std::visit([this](const auto& what) { write(what); }, event.what);
  }

 private:
  std::string text_;
};

}  // namespace

std::string to_bytes(const Trace& trace) {
  Writer writer;
  writer.raw(kTraceMagic);
  writer.number(kTraceFileVersion);
  writer.bytes(std::as_bytes(std::span(trace.subject)), kSubjectBytesMax);
  writer.number(trace.dropped);
  writer.number(static_cast<uint64_t>(trace.events.size()));
  for (const Event& event : trace.events) writer.write(event);
  return writer.finish();
}

}  // namespace assay::trace
