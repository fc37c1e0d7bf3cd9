#include <algorithm>
#include <cstring>
#include <type_traits>

#include "sim/engine/machine_digest.hpp"
#include "sim/trace/trace_format.hpp"

namespace assay::trace {
namespace {

/// Takes a file apart from its front; what does not fit ends it.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] size_t left() const { return bytes_.size() - at_; }
  [[noreturn]] void refuse(const std::string& what) const {
    throw TraceFileError(what + ", at byte " + std::to_string(at_));
  }
  void expect(bool held, const char* what) const {
    if (!held) refuse(std::string("damaged: ") + what);
  }

  std::span<const std::byte> raw(size_t count) {
    if (count > left()) refuse("cut short");
    const auto taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  template <typename T>
  T number() {
    static_assert(std::is_unsigned_v<T>);
    uint64_t value = 0;
    const auto taken = raw(sizeof(T));
    for (size_t i = 0; i < sizeof(T); ++i) value |= std::to_integer<uint64_t>(taken[i]) << 8 * i;
    return static_cast<T>(value);
  }
  template <typename T>
  T number_up_to(T max, const char* what) {
    const T value = number<T>();
    expect(value <= max, what);
    return value;
  }
  bool flag() { return number_up_to<uint8_t>(1, "a flag is neither 0 nor 1") != 0; }
  std::span<const std::byte> bytes(size_t max) {
    return raw(number_up_to(static_cast<uint32_t>(max), "something is longer than it can be"));
  }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
};

VcpuName read_vcpu(Reader& from) {
  VcpuName vcpu;
  vcpu.domid = from.number<uint16_t>();
  vcpu.vcpu = from.number<uint32_t>();
  return vcpu;
}

Occupant read_occupant(Reader& from) {
  Occupant occupant;
  constexpr auto kLast = static_cast<uint8_t>(Occupant::Kind::kOther);
  occupant.kind = static_cast<Occupant::Kind>(from.number_up_to(kLast, "no such kind of occupant"));
  occupant.vcpu = read_vcpu(from);
  return occupant;
}

assay_exit read_left(Reader& from) {
  assay_exit left{};
  left.reason = from.number_up_to(uint32_t{ASSAY_EXIT_TRIPLE}, "no such reason to leave");
  for (uint32_t* const word :
       {&left.vector, &left.error_code, &left.access, &left.size, &left.is_write, &left.has_error_code}) {
    *word = from.number<uint32_t>();
  }
  for (uint64_t* const word : {&left.address, &left.index, &left.value}) *word = from.number<uint64_t>();
  return left;
}

std::vector<std::byte> read_bytes(Reader& from, size_t max) {
  const auto taken = from.bytes(max);
  return {taken.begin(), taken.end()};
}

Return read_return(Reader& from, uint64_t left_ns) {
  Return back;
  back.now_ns = from.number<uint64_t>();
  from.expect(back.now_ns >= left_ns, "a vCPU is back before it left");
  back.pcpu = from.number_up_to(ASSAY_PCPUS_MAX - 1, "no such pCPU");
  back.rip = from.number<uint64_t>();
  for (uint64_t& value : back.values) value = from.number<uint64_t>();
  back.argument = read_bytes(from, kArgumentBytesMax);
  return back;
}

Exit read_exit(Reader& from, uint64_t now_ns) {
  Exit exit;
  exit.left = read_left(from);
  exit.rip = from.number<uint64_t>();
  exit.rax = from.number<uint64_t>();
  for (uint64_t& argument : exit.arguments) argument = from.number<uint64_t>();
  exit.mode = from.number_up_to(uint8_t{ASSAY_MODE_HVM}, "no such mode");
  from.expect(exit.mode != ASSAY_MODE_IDLE, "what is idle does not leave");
  exit.code_bits = from.number<uint8_t>();
  from.expect(exit.code_bits == 16 || exit.code_bits == 32 || exit.code_bits == 64, "no such size of code");
  exit.gave_up_pcpu = from.flag();
  if (from.flag()) exit.back = read_return(from, now_ns);
  exit.argument = read_bytes(from, kArgumentBytesMax);
  exit.code = read_bytes(from, kCodeBytesMax);
  exit.code_before = from.number_up_to(static_cast<uint8_t>(exit.code.size()), "no such place in the code");
  return exit;
}

Switch read_switch(Reader& from) {
  Switch change;
  change.from = read_occupant(from);
  change.to = read_occupant(from);
  return change;
}

Delivery read_delivery(Reader& from) {
  Delivery delivery;
  const bool has_vector = from.flag();
  const auto vector = from.number<uint8_t>();
  if (has_vector) delivery.vector = vector;
  delivery.rip = from.number<uint64_t>();
  delivery.from_rip = from.number<uint64_t>();
  return delivery;
}

CoreEvent read_core_event(Reader& from) {
  CoreEvent event;
  event.id = from.number<uint32_t>();
  event.count = from.number_up_to(static_cast<uint8_t>(CoreEvent::kWords), "too many words");
  for (size_t i = 0; i < event.count; ++i) event.words[i] = from.number<uint64_t>();
  return event;
}

Event read_event(Reader& from, uint64_t earlier_ns) {
  Event event;
  event.now_ns = from.number<uint64_t>();
  from.expect(event.now_ns >= earlier_ns, "time goes backwards");
  event.pcpu = from.number_up_to(ASSAY_PCPUS_MAX - 1, "no such pCPU");
  const auto kind = from.number<uint8_t>();
  if (from.flag()) event.vcpu = read_vcpu(from);
  switch (kind) {
    case 0:
      event.what = read_exit(from, event.now_ns);
      from.expect(event.vcpu.has_value(), "nobody left");
      break;
    case 1:
      event.what = read_switch(from);
      from.expect(!event.vcpu.has_value(), "a switch is of no vCPU");
      break;
    case 2:
      event.what = read_delivery(from);
      from.expect(event.vcpu.has_value(), "delivered to nobody");
      break;
    default:
      from.expect(kind == 3, "no such kind of event");
      event.what = read_core_event(from);
      break;
  }
  return event;
}

void check_magic(Reader& from) {
  if (from.left() < kTraceMagic.size() ||
      std::memcmp(from.raw(kTraceMagic.size()).data(), kTraceMagic.data(), kTraceMagic.size()) != 0) {
    throw TraceFileError("not a trace of assay");
  }
  const auto version = from.number<uint32_t>();
  if (version != kTraceFileVersion) {
    throw TraceFileError("a trace of version " + std::to_string(version) + "; this program reads version " +
                         std::to_string(kTraceFileVersion));
  }
}

/// The last bytes vouch for all others. Looked at only when these have the form of a trace: what is wrong is said
/// there.
void check_digest(std::span<const std::byte> file) {
  MachineDigest digest;
  digest.fold_bytes(file.first(file.size() - kTraceDigestBytes));
  Reader last(file.last(kTraceDigestBytes));
  if (last.number<uint64_t>() != digest.value()) throw TraceFileError("damaged: the digest at the end does not fit");
}

}  // namespace

Trace from_bytes(std::span<const std::byte> file) {
  Reader from(file);
  check_magic(from);
  Trace trace;
  const auto subject = from.bytes(kSubjectBytesMax);
  trace.subject.assign(reinterpret_cast<const char*>(subject.data()), subject.size());
  trace.dropped = from.number<uint64_t>();
  const auto count = from.number<uint64_t>();
  if (count > from.left() / kEventBytesMin) from.refuse("cut short");
  uint64_t now_ns = 0;
  for (uint64_t i = 0; i < count; ++i) {
    trace.events.push_back(read_event(from, now_ns));
    now_ns = trace.events.back().now_ns;
  }
  if (from.left() < kTraceDigestBytes) from.refuse("cut short");
  if (from.left() > kTraceDigestBytes) from.refuse("damaged: more follows behind the last event");
  check_digest(file);
  return trace;
}

}  // namespace assay::trace
