/// The mailbox: one request at a time, each field read once.
#include "sim/guest/agent/agent.hpp"
#include "sim/guest/agent/print.hpp"

namespace agent {

bool is_pvh;
bool is_amd;
State states[kVcpusMax];

namespace {

struct Operation {
  State* self;
  Request request;
  Reply reply;
  uint8_t* data;
};

void run_operation(void* argument) {
  auto* operation = static_cast<Operation*>(argument);
  execute(*operation->self, operation->request, operation->reply, operation->data);
}

// Another vCPU may clear or set neighbouring bits at the same time.
void clear_pending(uint32_t port) {
  if (port >= sizeof(agent_shared_info_page.info.evtchn_pending) * 8) return;
  asm volatile("lock btrq %1, %0"
               : "+m"(agent_shared_info_page.info.evtchn_pending[port / 64])
               : "r"(static_cast<uint64_t>(port % 64))
               : "memory", "cc");
}

void sleep_until_event(uint32_t port) {
  evtchn_port_t ports[1] = {port};
  sched_poll poll{};
  poll.ports.p = ports;
  poll.nr_ports = 1;
  if (hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, address_of(&poll)) != 0) pause();
  clear_pending(port);
}

uint32_t await_request(const State& self, volatile assay_mailbox& box, uint32_t last) {
  for (;;) {
    const uint32_t request = __atomic_load_n(&box.request, __ATOMIC_ACQUIRE);
    if (request != last) return request;
    if (self.is_parked != 0) {
      sleep_until_event(self.park_port);
    } else {
      agent_idle();
    }
  }
}

void answer(volatile assay_mailbox& box, const Operation& operation, uint32_t request) {
  box.status = operation.reply.status;
  box.reply_bytes = operation.reply.data_bytes;
  for (uint32_t i = 0; i < 4; ++i) box.value[i] = operation.reply.value[i];
  if (operation.reply.status == ASSAY_STATUS_FAULT) {
    const assay_fault& fault = operation.self->fault;
    box.fault.vector = fault.vector;
    box.fault.error_code = fault.error_code;
    box.fault.address = fault.address;
    box.fault.rip = fault.rip;
  }
  __atomic_store_n(&box.reply, request, __ATOMIC_RELEASE);
}

void announce(const State& self) {
  const uint64_t box = address_of(&agent_mailboxes[self.id]);
  Line line;
  line.text("assay-agent: vcpu ").dec(self.id).text(" mailbox mfn");
  for (uint64_t at = 0; at < ASSAY_MAILBOX_BYTES; at += kPageBytes) line.text(" ").hex(frame_of(box + at));
  line.print();
}

}  // namespace

void init_state(State& self, uint32_t id) {
  self.id = id;
  self.recovery.stack_pointer = 0;
  self.is_parked = 0;
  self.info = &agent_shared_info_page.info.vcpu_info[id];
}

void serve(State& self, uint64_t boot_info) {
  volatile assay_mailbox& box = agent_mailboxes[self.id];
  box.vcpu_id = self.id;
  box.boot_info = boot_info;
  box.version = ASSAY_AGENT_VERSION;
  __atomic_store_n(&box.magic, ASSAY_AGENT_MAGIC, __ATOMIC_RELEASE);
  announce(self);
  uint32_t last = box.reply;
  for (;;) {
    last = await_request(self, box, last);
    Operation operation{};
    operation.self = &self;
    operation.request.op = box.op;
    operation.request.data_bytes = box.data_bytes;
    for (uint32_t i = 0; i < 8; ++i) operation.request.arg[i] = box.arg[i];
    operation.data = agent_mailboxes[self.id].data;
    const bool held_before = !upcalls_enabled(self);
    if (agent_protected(&self.recovery, run_operation, &operation) != 0) {
      operation.reply = Reply{};
      operation.reply.status = ASSAY_STATUS_FAULT;
      // A fault in a PVH guest arrives through an interrupt gate, which holds interrupts back.
      if (is_pvh) set_upcalls(self, !held_before);
    }
    answer(box, operation, last);
  }
}

}  // namespace agent
