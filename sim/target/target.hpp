/// A running hypervisor with guests that do what they are told: all that cases, properties and scenarios may see.
///
/// Target owns Domains, a Domain owns Vcpus, a Vcpu executes guest-side operations through a GuestPort. The only thing
/// an implementation of a target has to supply is a way to boot, a GuestPort per vCPU and a way to tell what went
/// wrong; building domains (sim/toolstack) and everything above is written once.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/base/strong.hpp"
#include "sim/guest/agent/protocol.h"

namespace assay {

enum class GuestType : uint8_t { kPv64, kPvh };
std::string_view to_string(GuestType type);

/// One guest operation, see enum assay_op. `in` and `out` stay owned by the caller until the reply.
struct GuestRequest {
  assay_op op = ASSAY_OP_NOP;
  std::array<uint64_t, 8> arg{};
  std::span<const std::byte> in;
  std::span<std::byte> out;
};

struct GuestReply {
  assay_status status = ASSAY_STATUS_OK;
  std::array<uint64_t, 4> value{};
  assay_fault fault{};
};

/// Executes operations of one vCPU: the in-process guest, a mailbox in shared memory, or a byte stream.
class GuestPort {
 public:
  virtual ~GuestPort() = default;
  /// Starts an operation. At most one is in flight per vCPU; starting a second one is a harness fault.
  virtual void start(const GuestRequest& request) = 0;
  /// Waits until the operation in flight has replied or `timeout_ns` of the target's own time has passed (the simulated
  /// clock in process, the host's clock elsewhere). Returns false on a time-out; the operation stays in flight.
  virtual bool await(GuestReply& reply, uint64_t timeout_ns) = 0;
  /// Start and await in one step, for operations that do not block. Implementations override it with a fast path.
  virtual bool execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) {
    start(request);
    return await(reply, timeout_ns);
  }
};

class Vcpu;

/// Is told of every operation of the guests it observes, after the fact, and may change what the caller gets to see of
/// the reply: to check the caller. Must not operate on guests itself.
class OperationObserver {
 public:
  virtual ~OperationObserver() = default;
  /// Asked before an operation that does not block: true when `reply` is the answer and nothing shall be executed.
  virtual bool stands_in(const Vcpu& /*vcpu*/, const GuestRequest& /*request*/, GuestReply& /*reply*/) { return false; }
  virtual void on_operation(const Vcpu& vcpu, const GuestRequest& request, GuestReply& reply) = 0;
  /// Operations that may block: begun, and done with later.
  virtual void on_start(const Vcpu& vcpu, const GuestRequest& request) = 0;
  virtual void on_finish(const Vcpu& vcpu, GuestReply& reply) = 0;
};

/// Operations that should return at once get this long, in target time; a subject that needs more is hung.
constexpr uint64_t kPatienceNs = 10'000'000'000;

/// The subject stopped answering, and why. The runner turns it into CRASH or TIMEOUT and goes on with a fresh boot.
class TargetDied : public std::runtime_error {
 public:
  enum class How : uint8_t { kPanic, kHang, kDeadAgent, kExited };
  TargetDied(How how, const std::string& what) : std::runtime_error(what), how_(how) {}
  [[nodiscard]] How how() const { return how_; }

 private:
  How how_;
};

/// Something that a target needs is missing on this machine. The message says what, where, and what to do.
class TargetUnavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The harness itself is at fault (verdict ERROR).
class HarnessFault : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// What a guest operation returned, or the exception that it raised instead.
template <typename T>
struct Outcome {
  T value{};
  std::optional<assay_fault> fault;
  [[nodiscard]] bool ok() const { return !fault.has_value(); }
};

struct UpcallRecord {
  uint64_t count;
  uint64_t rflags;        ///< of the interrupted context, as the last frame had it
  uint8_t mask_at_entry;  ///< evtchn_upcall_mask when the handler began
  /// Entries that found evtchn_upcall_pending clear; not in `count`. On the real Xen under QEMU's emulated SVM about
  /// one vector in a hundred is delivered twice when the host is busy; a PV64 guest sees none.
  uint64_t spurious;
  uint64_t rip;
};

class Domain;

class Vcpu {
 public:
  Vcpu(Domain& domain, uint32_t id, std::unique_ptr<GuestPort> port);
  Vcpu(const Vcpu&) = delete;
  Vcpu& operator=(const Vcpu&) = delete;
  ~Vcpu();

  [[nodiscard]] Domain& domain() const { return *domain_; }
  [[nodiscard]] uint32_t id() const { return id_; }

  /// Executes one hypercall and returns the result register. Throws TargetDied when no reply comes within the target's
  /// limit: for calls that may block use start_hypercall.
  int64_t hypercall(uint32_t number, std::initializer_list<uint64_t> args = {});
  /// Begins a hypercall that may block; at most one is in flight per vCPU.
  void start_hypercall(uint32_t number, std::initializer_list<uint64_t> args = {});
  /// The result of the call in flight, or nothing if it has not returned within `timeout_ns` of target time.
  std::optional<int64_t> finish_hypercall(uint64_t timeout_ns);

  /// Guest memory by the guest's own virtual addresses. On a fault nothing is known about what was transferred.
  std::optional<assay_fault> read_bytes(Gva va, std::span<std::byte> out);
  std::optional<assay_fault> write_bytes(Gva va, std::span<const std::byte> in);
  std::optional<assay_fault> fill(Gva va, uint64_t bytes, uint8_t value);
  /// As above for memory that must be there: a fault is a HarnessFault.
  template <typename T>
  T read(Gva va) {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    must(read_bytes(va, std::as_writable_bytes(std::span(&value, 1))), "read", va);
    return value;
  }
  template <typename T>
  void write(Gva va, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    must(write_bytes(va, std::as_bytes(std::span(&value, 1))), "write", va);
  }
  /// One atomic read-modify-write of 1, 2, 4 or 8 bytes; returns the old value. `comparand` is for CMPXCHG only.
  Outcome<uint64_t> atomic(assay_atomic kind, Gva va, unsigned width_bytes, uint64_t operand, uint64_t comparand = 0);

  Outcome<std::array<uint32_t, 4>> cpuid(uint32_t leaf, uint32_t subleaf = 0);
  Outcome<uint64_t> rdmsr(uint32_t index);
  std::optional<assay_fault> wrmsr(uint32_t index, uint64_t value);
  /// System time in ns since boot by the vCPU's own time record.
  uint64_t time_ns();
  uint64_t tsc();

  /// Lets event upcalls through (or holds them), without a hypercall.
  void set_upcalls(bool enabled);
  UpcallRecord upcalls();
  /// Waits in the guest until `count` upcalls have been taken since boot; false when `timeout_ns` passes first.
  bool wait_upcalls(uint64_t count, uint64_t timeout_ns);
  void spin(uint64_t ns);
  /// hlt (PVH) or sched_op block (PV64) until something wakes the vCPU; use finish_hypercall to collect.
  void start_halt();
  /// Executes one instruction of the menu (ASSAY_OP_EXECUTE) in a state of the caller's choice, and says where it led.
  /// HarnessFault when the guest cannot, see protocol.h. For what may end the domain or block use start_instruction.
  assay_execution instruction(assay_instruction instruction, const assay_registers& registers,
                              assay_execute_mode mode = ASSAY_EXECUTE_KERNEL);
  void start_instruction(assay_instruction instruction, const assay_registers& registers,
                         assay_execute_mode mode = ASSAY_EXECUTE_KERNEL);
  /// What became of it, or nothing when it has led nowhere within `timeout_ns` of target time.
  std::optional<assay_execution> finish_instruction(uint64_t timeout_ns);
  /// Any operation, raw, for the harness's own tests: garbage included.
  GuestReply raw(const GuestRequest& request, uint64_t timeout_ns);

 private:
  GuestReply execute(const GuestRequest& request);
  /// Waits for as long as `timeout_ns`; a vCPU that does not reply is hung, `what` says in what.
  GuestReply execute(const GuestRequest& request, uint64_t timeout_ns, const char* what);
  void start(const GuestRequest& request);
  static void must(const std::optional<assay_fault>& fault, const char* what, Gva va);
  Domain* domain_;
  uint32_t id_;
  std::unique_ptr<GuestPort> port_;
  // Of the instruction in flight: the port works on the caller's memory.
  assay_registers registers_{};
  assay_execution execution_{};
};

/// What the harness needs to know of a guest's address space; filled in by whoever built the domain.
struct GuestSpace {
  assay_agent_layout layout{};
  uint64_t va_offset = 0;  ///< guest virtual address of pseudo-physical address 0
  uint64_t pages = 0;      ///< pseudo-physical frames 0..pages-1 are populated and mapped at va_offset
  Gva start_info{};        ///< PV64: start_info page; PVH: hvm_start_info
  Gva p2m{};               ///< PV64: mfn_list
};

/// A guest whose agent answers. Memory handed out by alloc_pages comes from the agent's heap and is never reused.
class Domain {
 public:
  Domain(DomId id, GuestType type, const GuestSpace& space);
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;
  ~Domain();

  [[nodiscard]] DomId id() const { return id_; }
  [[nodiscard]] GuestType type() const { return type_; }
  [[nodiscard]] const GuestSpace& space() const { return space_; }

  [[nodiscard]] uint32_t vcpu_count() const { return static_cast<uint32_t>(vcpus_.size()); }
  [[nodiscard]] Vcpu& vcpu(uint32_t index);
  Vcpu& add_vcpu(std::unique_ptr<GuestPort> port);

  /// Zeroed guest memory, page-aligned. HarnessFault when the heap is used up.
  Gva alloc_pages(uint64_t count);
  /// Where the heap stands, and back to there: for who takes the guest's memory back as well.
  [[nodiscard]] Gva heap_mark() const { return heap_next_; }
  void heap_go_back(Gva mark) { heap_next_ = mark; }
  /// Heap left, in pages.
  [[nodiscard]] uint64_t pages_left() const;
  [[nodiscard]] Pfn pfn_of(Gva va) const;
  /// What this guest writes into hypercall arguments that name a frame: the machine frame for PV64, the pfn for PVH.
  Gfn gfn_of(Gva va);

  /// From now on `observer` is told of what this domain's vCPUs do; null: nobody.
  void observe(std::shared_ptr<OperationObserver> observer) { observer_ = std::move(observer); }
  [[nodiscard]] OperationObserver* observer() const { return observer_.get(); }

  /// shared_info as the guest sees it.
  [[nodiscard]] Gva shared_info() const {
    return Gva{space_.layout.shared_info - space_.layout.virt_base + space_.va_offset};
  }
  /// vcpu_info of a vCPU, in shared_info (the default place).
  [[nodiscard]] Gva vcpu_info(uint32_t vcpu) const;

 private:
  DomId id_;
  GuestType type_;
  GuestSpace space_;
  Gva heap_next_{};
  Gva heap_end_{};
  std::vector<std::unique_ptr<Vcpu>> vcpus_;
  std::shared_ptr<OperationObserver> observer_;
};

struct GuestSpec {
  GuestType type = GuestType::kPv64;
  uint32_t vcpus = 1;                ///< created and, with `online`, brought up by the guest itself
  uint32_t vcpus_online = 1;         ///< vCPUs 0..n-1 run the agent when create_guest returns
  uint32_t pages = 1024;             ///< memory of the guest
  uint32_t max_evtchn_port = 0;      ///< 0 = the ABI's own limit
  int32_t max_grant_frames = -1;     ///< of the grant table; -1 = the hypervisor's default
  int32_t max_maptrack_frames = -1;  ///< of grant handles; -1 = the hypervisor's default
  uint32_t max_grant_version = 2;
};

/// Everything a case may ask for by name (`needs`); a target that lacks one makes the case SKIP.
enum class Capability : uint8_t {
  kDom0,  ///< the privileged domain takes operations
  kPv64Guest,
  kPvhGuest,
  kTwoGuests,
  kThreeGuests,
  kMultiVcpu,    ///< guests with several vCPUs, each on a pCPU of its own
  kConsoleText,  ///< what the hypervisor prints can be read
  kVirtualTime,  ///< time is simulated: exact, and waiting costs nothing
  kSteer,        ///< interleavings inside the core can be chosen
  kRtds,         ///< CPU pools may have this scheduler, which hypervisors are built without as a rule
  kArinc653,     ///< likewise
};
std::string_view to_string(Capability capability);
std::optional<Capability> capability_from(std::string_view name);

struct TargetInfo {
  std::string kind;  ///< "hv", "xen", "core", "connect"
  std::string name;  ///< what the subject calls itself
  std::string version;
  std::vector<Capability> capabilities;
};

class Target {
 public:
  virtual ~Target() = default;
  [[nodiscard]] virtual const TargetInfo& info() const = 0;
  /// Makes ready for one case: afterwards only the privileged domain exists, with no event channel open and time
  /// running. In process that is a fresh machine seeded with `seed`; on a real hypervisor, the booted one, cleaned, or
  /// a fresh boot.
  virtual void begin_case(uint64_t seed) = 0;
  virtual Domain& dom0() = 0;
  /// Builds and starts a guest through the toolstack. The reference stays valid until begin_case or destroy_guest.
  virtual Domain& create_guest(const GuestSpec& spec) = 0;
  virtual void destroy_guest(Domain& guest) = 0;
  /// Attaches executors to the vCPUs of a domain that a case built or started itself; `online` as in GuestSpec.
  virtual Vcpu& attach_vcpu(Domain& guest, uint32_t vcpu_id) = 0;
  /// Lets time pass on the target, whatever the guests do.
  virtual void pass_time(uint64_t ns) = 0;
  /// From now on pCPUs change places inside the subject, too, at scheduling points that `seed` chooses; stop_steering
  /// finishes what is under way there and goes back to the usual order. HarnessFault on a target without kSteer.
  virtual void steer(uint64_t seed);
  virtual void stop_steering();
  /// How long an operation that should return at once may take before the subject counts as hung, in target time.
  [[nodiscard]] virtual uint64_t patience_ns() const = 0;
  /// Text the hypervisor and its guests have printed since begin_case.
  virtual std::string console() = 0;
  /// Types text on the hypervisor's console.
  virtual void type_console(std::string_view text) = 0;
  /// Digest of everything that has happened since begin_case; 0 on targets that are not deterministic.
  [[nodiscard]] virtual uint64_t digest() const = 0;
  /// Invariants that the subject's own audit found broken (empty: none, or no audit).
  virtual std::string audit() = 0;
  /// Fresh boots that were needed because the subject died, so far.
  [[nodiscard]] virtual uint32_t boots() const = 0;
  /// Last console lines, registers, trace: what a failure report should carry.
  virtual std::string evidence() = 0;
  /// Of a subject with planted bugs: which of their places it came by since the last time that this was asked, and
  /// before it was there for the first case.
  virtual std::vector<uint32_t> places_met() { return {}; }

  [[nodiscard]] bool has(Capability capability) const;
};

}  // namespace assay
