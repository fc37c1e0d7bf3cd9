#include "sim/scenario/live/cpu_times.hpp"

#include <cstring>
#include <span>

#include "sim/toolstack/error.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::scenario {
namespace {

using toolstack::must;

/// Calls whose arguments lie beside them in the privileged domain's buffer, issued at once.
class Batch {
 public:
  explicit Batch(const toolstack::Privileged& dom0) : dom0_(dom0), memory_(toolstack::Privileged::kBufferBytes) {}

  /// Room in the buffer; its offset.
  template <typename T>
  size_t place(const T& value) {
    const size_t at = next_;
    next_ += sizeof value;
    if (next_ > kCallsAt) throw ToolstackError("more vCPUs than can be asked for at once");
    std::memcpy(&memory_.at(at), &value, sizeof value);
    return at;
  }
  [[nodiscard]] Gva address(size_t at) const { return dom0_.buffer() + at; }
  void call(uint64_t number, std::initializer_list<uint64_t> args) {
    multicall_entry entry;
    std::memset(&entry, 0, sizeof entry);
    entry.op = number;
    std::copy(args.begin(), args.end(), entry.args);
    calls_.push_back(entry);
  }
  void issue() {
    const auto calls = std::as_writable_bytes(std::span(calls_));
    if (calls.size() > memory_.size() - kCallsAt) throw ToolstackError("more vCPUs than can be asked for at once");
    std::memcpy(&memory_.at(kCallsAt), calls.data(), calls.size());
    dom0_.write_buffer(memory_);
    must(dom0_.call(__HYPERVISOR_multicall, {address(kCallsAt).raw(), calls_.size()}), "multicall");
    dom0_.read_buffer(memory_);
    std::memcpy(calls.data(), &memory_.at(kCallsAt), calls.size());
    for (const multicall_entry& entry : calls_) must(static_cast<int64_t>(entry.result), "asking for processor time");
  }
  template <typename T>
  T at(size_t offset) const {
    T value;
    std::memcpy(&value, &memory_.at(offset), sizeof value);
    return value;
  }

 private:
  static constexpr size_t kCallsAt = toolstack::Privileged::kBufferBytes * 2 / 3 / 64 * 64;
  const toolstack::Privileged& dom0_;
  std::vector<std::byte> memory_;
  size_t next_ = 0;
  std::vector<multicall_entry> calls_;
};

size_t ask_moment(Batch& batch) {
  const size_t at = batch.place(vcpu_runstate_info_t{});
  batch.call(__HYPERVISOR_vcpu_op, {VCPUOP_get_runstate_info, 0, batch.address(at).raw()});
  return at;
}

uint64_t moment(const Batch& batch, size_t at) {
  const auto info = batch.at<vcpu_runstate_info_t>(at);
  return info.time[RUNSTATE_running] + info.time[RUNSTATE_runnable] + info.time[RUNSTATE_blocked] +
         info.time[RUNSTATE_offline];
}

size_t ask_vcpu(Batch& batch, const VcpuName& name) {
  xen_domctl op = toolstack::make_domctl(XEN_DOMCTL_getvcpuinfo, name.domain);
  op.u.getvcpuinfo.vcpu = name.vcpu;
  const size_t at = batch.place(op);
  batch.call(__HYPERVISOR_domctl, {batch.address(at).raw()});
  return at;
}

/// Of the pCPUs below `end`.
size_t ask_pcpus(Batch& batch, uint32_t end) {
  size_t first = 0;
  for (uint32_t pcpu = 0; pcpu < end; ++pcpu) {
    const size_t at = batch.place(xen_sysctl_cpuinfo_t{});
    if (pcpu == 0) first = at;
  }
  xen_sysctl op = toolstack::make_sysctl(XEN_SYSCTL_getcpuinfo);
  op.u.getcpuinfo.max_cpus = end;
  toolstack::set_handle(op.u.getcpuinfo.info, batch.address(first));
  batch.call(__HYPERVISOR_sysctl, {batch.address(batch.place(op)).raw()});
  return first;
}

}  // namespace

CpuReading CpuTimes::read(const std::vector<VcpuName>& vcpus, const PcpuSet& pcpus) const {
  Batch batch(dom0_);
  const size_t begin = ask_moment(batch);
  std::vector<size_t> vcpus_at;
  for (const VcpuName& name : vcpus) vcpus_at.push_back(ask_vcpu(batch, name));
  uint32_t pcpus_end = 0;
  for (uint32_t pcpu = pcpus.at_or_above(0); pcpu != PcpuSet::kNone; pcpu = pcpus.at_or_above(pcpu + 1)) {
    pcpus_end = pcpu + 1;
  }
  const size_t pcpus_at = pcpus_end == 0 ? 0 : ask_pcpus(batch, pcpus_end);
  const size_t end = ask_moment(batch);
  batch.issue();
  CpuReading reading;
  reading.at_ns = moment(batch, end);
  reading.took_ns = reading.at_ns - moment(batch, begin);
  for (const size_t at : vcpus_at) {
    reading.spent_ns += static_cast<int64_t>(batch.at<xen_domctl>(at).u.getvcpuinfo.cpu_time);
  }
  for (uint32_t pcpu = 0; pcpu < pcpus_end; ++pcpu) {
    if (!pcpus.has(pcpu)) continue;
    const uint64_t idle_ns = batch.at<xen_sysctl_cpuinfo_t>(pcpus_at + pcpu * sizeof(xen_sysctl_cpuinfo_t)).idletime;
    reading.spent_ns += static_cast<int64_t>(reading.at_ns) - static_cast<int64_t>(idle_ns);
  }
  return reading;
}

}  // namespace assay::scenario
