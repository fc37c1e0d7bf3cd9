/// XEN_SYSCTL_scheduler_op: the table of ARINC 653.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/pools.hpp"
#include "conformance/guest/scratch.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/sysctl.h, struct xen_sysctl_arinc653_schedule";
using Table = xen_sysctl_arinc653_schedule_t;

/// A pool of ARINC 653, and its table.
class Frames {
 public:
  explicit Frames(CaseContext& c)
      : pools_(c), pool_(c, pools_, XEN_SCHEDULER_ARINC653), control_(c.dom0().vcpu(0)), table_(c.dom0().vcpu(0)) {}

  int64_t put(const Table& table) {
    table_.put(table);
    return call(XEN_SYSCTL_SCHEDOP_putinfo, table_.va());
  }
  Table get(CaseContext& c) {
    table_.put(Table{});
    c.check_eq(call(XEN_SYSCTL_SCHEDOP_getinfo, table_.va()), 0, "getinfo");
    return table_.get();
  }
  int64_t call(uint32_t command, Gva table) {
    xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_scheduler_op);
    request.u.scheduler_op.cpupool_id = pool_.id();
    request.u.scheduler_op.sched_id = XEN_SCHEDULER_ARINC653;
    request.u.scheduler_op.cmd = command;
    set_handle(request.u.scheduler_op.u.sched_arinc653.schedule, table);
    return control_.call(request).result;
  }

 private:
  Pools pools_;
  PoolOfOne pool_;
  SysctlOps control_;
  GuestStruct<Table> table_;
};

/// Entries of one length for vCPUs of domains that need not exist.
Table table_of(uint64_t frame, uint8_t entries, uint64_t runtime) {
  Table table{};
  table.major_frame = frame;
  table.num_sched_entries = entries;
  for (uint32_t i = 0; i < entries && i < ARINC653_MAX_DOMAINS_PER_SCHEDULE; ++i) {
    table.sched_entries[i].dom_handle[15] = static_cast<uint8_t>(i + 1);
    table.sched_entries[i].vcpu_id = i % 3;
    table.sched_entries[i].runtime = runtime;
  }
  return table;
}

const Case kTable{{
    .slug = "sysctl.scheduler_op.arinc653.table_read_as_set",
    .rule = "A new pool has an empty table; one that was set is read as it was, up to 64 entries that fill the frame.",
    .source = kSource,
    .requirements = {"SYSC-022"},
    .guests = GuestTypes::kDom0,
    .needs = {Capability::kArinc653},
    .body =
        [](CaseContext& c) {
          Frames frames(c);
          const Table fresh = frames.get(c);
          c.check_eq(fresh.num_sched_entries, 0, "entries of a new pool");
          c.check_eq(fresh.major_frame, 0u, "its major frame");
          const Table wanted = table_of(6'400'000, ARINC653_MAX_DOMAINS_PER_SCHEDULE, 100'000);
          c.check_eq(frames.put(wanted), 0, "a full table");
          const Table seen = frames.get(c);
          c.check_eq(seen.major_frame, wanted.major_frame, "the major frame");
          c.check_eq(seen.num_sched_entries, wanted.num_sched_entries, "entries");
          for (uint32_t i = 0; i < wanted.num_sched_entries; ++i) {
            const std::string what = "entry " + std::to_string(i);
            c.check_eq(seen.sched_entries[i].dom_handle[15], wanted.sched_entries[i].dom_handle[15], what + ": domain");
            c.check_eq(seen.sched_entries[i].vcpu_id, wanted.sched_entries[i].vcpu_id, what + ": vCPU");
            c.check_eq(seen.sched_entries[i].runtime, wanted.sched_entries[i].runtime, what + ": run time");
          }
        },
}};

const Case kBad{{
    .slug = "sysctl.scheduler_op.arinc653.bad_table.einval_efault",
    .rule =
        "No or too many entries, no frame, an entry without run time, or more than the frame has, give EINVAL; nothing "
        "changes.",
    .source = kSource,
    .requirements = {"SYSC-023"},
    .guests = GuestTypes::kDom0,
    .needs = {Capability::kArinc653},
    .body =
        [](CaseContext& c) {
          Frames frames(c);
          c.check_eq(frames.put(table_of(1000, 2, 300)), 0, "a good table");
          c.check_eq(frames.put(table_of(1000, 0, 1)), -XEN_EINVAL, "no entry");
          c.check_eq(frames.put(table_of(1000, ARINC653_MAX_DOMAINS_PER_SCHEDULE + 1, 1)), -XEN_EINVAL, "65 entries");
          c.check_eq(frames.put(table_of(0, 1, 1)), -XEN_EINVAL, "no major frame");
          c.check_eq(frames.put(table_of(1000, 2, 0)), -XEN_EINVAL, "entries without run time");
          c.check_eq(frames.put(table_of(1000, 3, 334)), -XEN_EINVAL, "1002 of 1000 ns");
          const Gva nowhere = bad_pointer(GuestType::kPv64);
          c.check_eq(frames.call(XEN_SYSCTL_SCHEDOP_putinfo, nowhere), -XEN_EFAULT, "a table that cannot be read");
          c.check_eq(frames.call(XEN_SYSCTL_SCHEDOP_getinfo, nowhere), -XEN_EFAULT, "one that cannot be written");
          const Table seen = frames.get(c);
          c.check_eq(seen.num_sched_entries, 2, "entries afterwards");
          c.check_eq(seen.sched_entries[1].runtime, 300u, "the run time of the second");
        },
}};

}  // namespace
}  // namespace assay
