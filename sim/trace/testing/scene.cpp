#include "sim/trace/testing/scene.hpp"

#include <algorithm>

#include "sim/trace/trace_recorder.hpp"

namespace assay::trace {

void Scene::play() {
  const VcpuName pv{1, 0}, hvm{2, 1};
  set_mode(pv, ASSAY_MODE_PV64);
  set_mode(hvm, ASSAY_MODE_HVM, 32);
  regs(pv).rip = 0x1000;
  regs(hvm).rip = 0x2000;

  idles(1'000, 3);
  enters(1'000, 2, pv);
  calls(2'000, 2, pv, __HYPERVISOR_event_channel_op, EVTCHNOP_send, 0x5000);
  core_says(2'100, 2, 0x1f004, std::array<uint64_t, 2>{7, 0x12345});
  answers(2'500, 2, pv, -XEN_EINVAL);
  calls(3'001, 2, pv, __HYPERVISOR_sched_op, SCHEDOP_block);
  enters(3'500, 2, hvm);

  assay_exit cpuid{};
  cpuid.reason = ASSAY_EXIT_CPUID;
  regs(hvm).rax = 1, regs(hvm).rcx = 2;
  leaves(4'000, 2, hvm, cpuid);
  regs(hvm).rax = 11, regs(hvm).rbx = 12, regs(hvm).rcx = 13, regs(hvm).rdx = 14;
  enters(4'500, 2, hvm);
  assay_exit msr{};
  msr.reason = ASSAY_EXIT_MSR;
  msr.index = 0xc0000080;
  msr.is_write = 1;
  leaves(5'000, 2, hvm, msr);
  enters(5'500, 2, hvm, 0xf3);
  assay_exit fault{};
  fault.reason = ASSAY_EXIT_STAGE2;
  fault.access = ASSAY_ACCESS_WRITE;
  fault.address = 0xfee00000;
  leaves(6'000, 2, hvm, fault);
  enters(6'500, 2, hvm);
  assay_exit io{};
  io.reason = ASSAY_EXIT_IO;
  io.index = 0x3f8;
  io.size = 1;
  leaves(7'000, 2, hvm, io);
  enters(7'500, 2, hvm);

  regs(pv).rip = 0x9000;
  answers(8'000, 3, pv, 0);
  assay_exit page_fault{};
  page_fault.reason = ASSAY_EXIT_EXCEPTION;
  page_fault.vector = 14;
  page_fault.has_error_code = 1;
  page_fault.error_code = 6;
  page_fault.address = 0x7000;
  leaves(9'000, 3, pv, page_fault);
  enters(9'500, 3, pv);
  leaves(10'000, 2, hvm, ASSAY_EXIT_HALT);
  idles(10'500, 2);
  calls(11'000, 3, pv, __HYPERVISOR_sched_op, SCHEDOP_yield);
}

Trace small_trace() {
  RecorderOptions options;
  options.with_code = true;
  options.read = [](const assay_run&, uint64_t, std::span<std::byte> bytes) {
    constexpr std::byte kNop{0x90};
    std::fill(bytes.begin(), bytes.end(), kNop);
    return bytes.size();
  };
  TraceRecorder recorder(std::move(options));
  Scene(recorder).play();
  return recorder.take("a small trace");
}

}  // namespace assay::trace
