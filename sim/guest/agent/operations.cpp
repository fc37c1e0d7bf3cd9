/// The operations of protocol.h. Each may fault anywhere: the caller has armed a recovery point.
#include "sim/guest/agent/agent.hpp"
#include "sim/guest/agent/execute.hpp"

namespace agent {

namespace {

constexpr uint64_t kInterruptFlag = 0x200;

// The guest moved its vcpu_info: from now on its mask, pending flag and time are there.
void follow_vcpu_info(const uint64_t* arg) {
  if (arg[2] >= kVcpusMax) return;
  const auto* where = reinterpret_cast<const vcpu_register_vcpu_info*>(arg[3]);
  states[arg[2]].info = reinterpret_cast<vcpu_info*>(va_of_frame(where->mfn) + where->offset);
}

void do_hypercall(const Request& request, Reply& reply) {
  const uint64_t* arg = request.arg;
  reply.value[0] = hypercall(arg[0], arg[1], arg[2], arg[3], arg[4], arg[5], arg[6]);
  const bool moved = arg[0] == __HYPERVISOR_vcpu_op && arg[1] == VCPUOP_register_vcpu_info && reply.value[0] == 0;
  if (moved) follow_vcpu_info(arg);
}

void do_read(const Request& request, Reply& reply, uint8_t* data) {
  if (request.arg[1] > ASSAY_MAILBOX_DATA_BYTES) {
    reply.status = ASSAY_STATUS_BAD_ARGUMENT;
    return;
  }
  copy(address_of(data), request.arg[0], request.arg[1]);
  reply.data_bytes = static_cast<uint32_t>(request.arg[1]);
}

void do_write(const Request& request, Reply& reply, const uint8_t* data) {
  if (request.data_bytes > ASSAY_MAILBOX_DATA_BYTES) {
    reply.status = ASSAY_STATUS_BAD_ARGUMENT;
    return;
  }
  copy(request.arg[0], address_of(data), request.data_bytes);
}

void do_fill(const Request& request) {
  constexpr uint64_t kEachByte = 0x0101010101010101;
  const uint64_t word = kEachByte * static_cast<uint8_t>(request.arg[2]);
  uint64_t to = request.arg[0];
  uint64_t bytes = request.arg[1];
  uint64_t words = to % sizeof word == 0 ? bytes / sizeof word : 0;
  bytes -= words * sizeof word;
  asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(word) : "memory");
  asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(word) : "memory");
}

template <typename Word>
bool atomic_step(uint64_t kind, Word* where, Word operand, Word comparand, uint64_t& old) {
  switch (kind) {
    case ASSAY_ATOMIC_XCHG:
      old = __atomic_exchange_n(where, operand, __ATOMIC_SEQ_CST);
      return true;
    case ASSAY_ATOMIC_AND:
      old = __atomic_fetch_and(where, operand, __ATOMIC_SEQ_CST);
      return true;
    case ASSAY_ATOMIC_OR:
      old = __atomic_fetch_or(where, operand, __ATOMIC_SEQ_CST);
      return true;
    case ASSAY_ATOMIC_ADD:
      old = __atomic_fetch_add(where, operand, __ATOMIC_SEQ_CST);
      return true;
    case ASSAY_ATOMIC_CMPXCHG:
      __atomic_compare_exchange_n(where, &comparand, operand, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
      old = comparand;
      return true;
    default:
      return false;
  }
}

template <typename Word>
bool atomic_as(const uint64_t* arg, uint64_t& old) {
  return atomic_step(arg[2], reinterpret_cast<Word*>(arg[0]), static_cast<Word>(arg[3]), static_cast<Word>(arg[4]),
                     old);
}

void do_atomic(const Request& request, Reply& reply) {
  bool done = false;
  switch (request.arg[1]) {
    case 1:
      done = atomic_as<uint8_t>(request.arg, reply.value[0]);
      break;
    case 2:
      done = atomic_as<uint16_t>(request.arg, reply.value[0]);
      break;
    case 4:
      done = atomic_as<uint32_t>(request.arg, reply.value[0]);
      break;
    case 8:
      done = atomic_as<uint64_t>(request.arg, reply.value[0]);
      break;
    default:
      break;
  }
  if (!done) reply.status = ASSAY_STATUS_BAD_ARGUMENT;
}

void do_cpuid(const Request& request, Reply& reply) {
  auto a = static_cast<uint32_t>(request.arg[0]);
  auto c = static_cast<uint32_t>(request.arg[1]);
  uint32_t b = 0;
  uint32_t d = 0;
  if (is_pvh) {
    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  } else {
    // Forced emulation: without the prefix a PV guest sees the processor's own answer. Source: public/xen.h, XEN_CPUID.
    asm volatile("ud2a; .ascii \"xen\"; cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  }
  reply.value[0] = a;
  reply.value[1] = b;
  reply.value[2] = c;
  reply.value[3] = d;
}

void do_rdmsr(const Request& request, Reply& reply) {
  uint32_t low = 0;
  uint32_t high = 0;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(static_cast<uint32_t>(request.arg[0])));
  reply.value[0] = static_cast<uint64_t>(high) << 32 | low;
}

void do_wrmsr(const Request& request) {
  asm volatile("wrmsr" ::"c"(static_cast<uint32_t>(request.arg[0])), "a"(static_cast<uint32_t>(request.arg[1])),
               "d"(static_cast<uint32_t>(request.arg[1] >> 32))
               : "memory");
}

void do_upcall_record(const State& self, Reply& reply) {
  uint64_t count = 0;
  do {  // an upcall in between would mix two records
    count = self.upcall_count;
    asm volatile("" ::: "memory");
    reply.value[1] = self.upcall_rflags;
    reply.value[2] = self.upcall_mask | self.upcalls_spurious << 8;
    reply.value[3] = self.upcall_rip;
    asm volatile("" ::: "memory");
  } while (count != self.upcall_count);
  reply.value[0] = count;
}

void do_wait_upcall(const State& self, const Request& request, Reply& reply) {
  const uint64_t start = request.arg[1] != 0 ? system_time_ns(self) : 0;
  while (self.upcall_count < request.arg[0]) {
    if (request.arg[1] == 0 || system_time_ns(self) - start >= request.arg[1]) {
      reply.status = ASSAY_STATUS_TIMED_OUT;
      break;
    }
    pause();
  }
  reply.value[0] = self.upcall_count;
}

void do_spin(const State& self, uint64_t ns) {
  const uint64_t start = system_time_ns(self);
  while (system_time_ns(self) - start < ns) pause();
}

void do_halt(State& self) {
  const bool enabled = upcalls_enabled(self);
  if (is_pvh) {
    asm volatile("sti; hlt" ::: "memory");
  } else {
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_block);
  }
  set_upcalls(self, enabled);
}

}  // namespace

bool upcalls_enabled(const State& self) {
  if (!is_pvh) return static_cast<const volatile vcpu_info*>(self.info)->evtchn_upcall_mask == 0;
  uint64_t rflags = 0;
  asm volatile("pushfq; pop %0" : "=r"(rflags)::"memory");
  return (rflags & kInterruptFlag) != 0;
}

void set_upcalls(State& self, bool enabled) {
  if (!is_pvh) {
    static_cast<volatile vcpu_info*>(self.info)->evtchn_upcall_mask = enabled ? 0 : 1;
  } else if (enabled) {
    asm volatile("sti" ::: "memory");
  } else {
    asm volatile("cli" ::: "memory");
  }
}

void execute(State& self, const Request& request, Reply& reply, uint8_t* data) {
  switch (request.op) {
    case ASSAY_OP_NOP:
      break;
    case ASSAY_OP_HYPERCALL:
      do_hypercall(request, reply);
      break;
    case ASSAY_OP_READ:
      do_read(request, reply, data);
      break;
    case ASSAY_OP_WRITE:
      do_write(request, reply, data);
      break;
    case ASSAY_OP_FILL:
      do_fill(request);
      break;
    case ASSAY_OP_ATOMIC:
      do_atomic(request, reply);
      break;
    case ASSAY_OP_CPUID:
      do_cpuid(request, reply);
      break;
    case ASSAY_OP_RDMSR:
      do_rdmsr(request, reply);
      break;
    case ASSAY_OP_WRMSR:
      do_wrmsr(request);
      break;
    case ASSAY_OP_TIME:
      reply.value[0] = system_time_ns(self);
      reply.value[1] = raw_tsc();
      break;
    case ASSAY_OP_UPCALLS:
      set_upcalls(self, request.arg[0] != 0);
      break;
    case ASSAY_OP_UPCALL_RECORD:
      do_upcall_record(self, reply);
      break;
    case ASSAY_OP_WAIT_UPCALL:
      do_wait_upcall(self, request, reply);
      break;
    case ASSAY_OP_SPIN:
      do_spin(self, request.arg[0]);
      break;
    case ASSAY_OP_HALT:
      do_halt(self);
      break;
    case ASSAY_OP_CALL:
      reply.value[0] = agent_call(request.arg[0]);
      break;
    case ASSAY_OP_PARK:
      self.is_parked = request.arg[0] != 0 ? 1 : 0;
      self.park_port = static_cast<uint32_t>(request.arg[1]);
      break;
    case ASSAY_OP_EXECUTE:
      do_execute(self, request, reply, data);
      break;
    default:
      reply.status = ASSAY_STATUS_BAD_OP;
      break;
  }
}

}  // namespace agent
