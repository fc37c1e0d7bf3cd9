/// A vCPU that does what its workload says: by real hypercalls, without machine code.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/engine/guest_executor.hpp"
#include "sim/scenario/guest_layout.hpp"
#include "sim/scenario/page_writer.hpp"
#include "sim/scenario/schedule_watch.hpp"
#include "sim/scenario/workload.hpp"

namespace assay::scenario {

/// How much longer than elsewhere a pCPU takes to compute, in hundredths of a percent of the usual time.
using Slowness = std::function<uint64_t(uint32_t pcpu, uint64_t now_ns)>;

/// What the vCPUs of one domain have in common, as it lies in machine memory.
struct DomainMemory {
  shared_info_t* shared = nullptr;
  std::vector<VcpuArea*> areas;  ///< by vCPU
  std::vector<uint32_t> ports;   ///< by vCPU: where it takes events from others; 0 = not bound yet
  VcpuIndex first = 0;           ///< index of vCPU 0
};

class GuestVcpu final : public GuestExecutor, public TimeKeeper {
 public:
  /// All of these outlive it.
  GuestVcpu(DomainMemory& memory, uint32_t id, std::unique_ptr<Workload> workload, ScheduleWatch& watch,
            const Slowness& slowness);
  /// Before it runs: what the steps of a memory writer need.
  void give_pages(std::unique_ptr<PageWriter> writer) { writer_ = std::move(writer); }

  GuestStep step(assay_run& run, const StepLimits& limits, assay_exit& exit) override;
  void left(uint64_t now_ns) override;

  [[nodiscard]] const Workload& workload() const { return *workload_; }
  /// A hypercall that should not have failed, or a page that lost what was written, in words; empty: none.
  [[nodiscard]] const std::string& trouble() const;
  [[nodiscard]] uint64_t pages_written() const { return writer_ == nullptr ? 0 : writer_->written(); }
  /// How often it was refused a larger grant table.
  [[nodiscard]] uint64_t refusals() const { return refusals_; }
  [[nodiscard]] uint64_t hypercalls() const { return hypercalls_; }

 private:
  enum class Call : uint8_t {
    kNone,
    kStopTicks,
    kRegisterRunstate,
    kBindTimer,
    kBindIpi,
    kSetTimer,
    kBlock,
    kYield,
    kPoll,
    kSend,
    kGrowTable
  };
  enum class Doing : uint8_t { kStarting, kStep, kComputing, kSleeping, kAwaiting, kHalted };

  GuestStep go_on();
  GuestStep start();
  GuestStep begin(const Step& step);
  GuestStep compute();
  GuestStep sleep();
  GuestStep await();
  GuestStep block();
  GuestStep poll(uint64_t until_ns);
  GuestStep send(uint32_t peer);
  GuestStep grow_table();
  void table_answered();
  GuestStep call(Call what, uint64_t number, uint64_t a1 = 0, uint64_t a2 = 0, uint64_t a3 = 0);
  void returned(Call what);
  void take_upcall();
  void take_events();
  bool take_event(uint32_t port);
  [[nodiscard]] vcpu_info_t& info() const;
  [[nodiscard]] VcpuArea& area() const { return *memory_.areas[id_]; }
  [[nodiscard]] uint64_t argument() const { return area_va(id_); }
  [[nodiscard]] VcpuIndex index() const { return memory_.first + id_; }

  DomainMemory& memory_;
  uint32_t id_;
  std::unique_ptr<Workload> workload_;
  ScheduleWatch& watch_;
  const Slowness& slowness_;
  std::unique_ptr<PageWriter> writer_;  ///< null: it has no pages to write to

  // Of the step under way.
  const assay_run* run_ = nullptr;
  assay_regs* regs_ = nullptr;
  assay_exit* exit_ = nullptr;
  uint64_t now_ns_ = 0;

  Doing doing_ = Doing::kStarting;
  Call call_ = Call::kNone;     ///< has not returned yet
  Call started_ = Call::kNone;  ///< the last one of those to start with
  uint64_t remaining_ns_ = 0;   ///< to compute, on a pCPU of the usual speed
  uint64_t since_ns_ = 0;       ///< when computing went on; meaningful while is_computing_
  bool is_computing_ = false;
  uint64_t wake_ns_ = 0;  ///< of a sleep
  bool is_armed_ = false;
  uint32_t timer_port_ = 0;
  uint32_t events_ = 0;  ///< from others, not awaited yet
  uint32_t peer_ = 0;
  bool has_peer_ = false;
  uint64_t hypercalls_ = 0;
  uint32_t grant_frames_ = 0;
  uint64_t refusals_ = 0;
  std::string trouble_;
};

}  // namespace assay::scenario
