#include "sim/guest/agent/bridge.hpp"

#include "sim/guest/agent/bridge_endpoint.hpp"
#include "sim/guest/agent/bridge_messages.h"

namespace agent {

namespace {

constexpr uint64_t kMailboxFrames = ASSAY_MAILBOX_BYTES / kPageBytes;
constexpr uint64_t kPteAttributes = 0x63;  // present, writable, accessed, dirty
constexpr uint32_t kBufferBytes = ASSAY_BRIDGE_BUFFER_PAGES / 2 * kPageBytes;
constexpr uint32_t kArgumentsMax = 8;
constexpr uint32_t kConsoleBytes = 128;
constexpr uint64_t kQuietNs = 500'000'000;  // then whoever listens is told again that the agent is there
static_assert(ASSAY_BRIDGE_MESSAGE_MAX <= kBufferBytes);

uint64_t region() {
  return address_of(agent_heap_end) - ASSAY_BRIDGE_PAGES * kPageBytes;
}

struct Slot {
  bool is_open;
  bool is_in_flight;
  uint32_t sequence;
};

/// The meaning of messages.
class Bridge {
 public:
  explicit Bridge(State& self) : self_(self) {}

  void send(const char* line, uint32_t length) {
    hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, length, address_of(line));
  }

  uint32_t greet(uint8_t* reply, uint32_t) {
    assay_bridge_greeting greeting{};
    greeting.magic = ASSAY_AGENT_MAGIC;
    greeting.agent_version = ASSAY_AGENT_VERSION;
    greeting.slots = ASSAY_BRIDGE_SLOTS;
    for (uint64_t i = 0; i < kMailboxFrames; ++i) {
      greeting.mailbox_frames[i] = frame_of(address_of(&agent_mailboxes[0]) + i * kPageBytes);
    }
    for (uint32_t slot = 0; slot < ASSAY_BRIDGE_SLOTS; ++slot) close(slot);
    copy(reply, &greeting, sizeof greeting);
    return sizeof greeting;
  }

  uint32_t handle(const uint8_t* request, uint32_t bytes, uint8_t* reply, uint32_t) {
    assay_bridge_request header{};
    uint64_t arguments[kArgumentsMax] = {};
    assay_bridge_reply answer{};
    const uint8_t* data = request + sizeof header;
    answer.bridge_status = ASSAY_BRIDGE_BAD_REQUEST;
    if (bytes >= sizeof header) copy(&header, request, sizeof header);
    const uint32_t block = header.block & ASSAY_BRIDGE_BLOCK_MASK;
    const bool is_kept = (header.block & ASSAY_BRIDGE_KEPT) != 0;
    const uint64_t follows = is_kept ? 0 : header.data_bytes;
    const bool sound = header.args <= kArgumentsMax && header.data_bytes <= ASSAY_MAILBOX_DATA_BYTES &&
                       header.slot < ASSAY_BRIDGE_SLOTS && block < ASSAY_BRIDGE_BLOCKS &&
                       sizeof header + header.args * sizeof(uint64_t) + follows == bytes;
    if (sound) {
      copy(arguments, data, header.args * sizeof(uint64_t));
      data += header.args * sizeof(uint64_t);
      if ((header.block & ASSAY_BRIDGE_KEEP) != 0) copy(block_at(block), data, header.data_bytes);
      execute_command(header, arguments, is_kept ? block_at(block) : data, answer);
    }
    copy(reply, &answer, sizeof answer);
    if (answer.data_bytes != 0) copy(reply + sizeof answer, box(header.slot).data, answer.data_bytes);
    return static_cast<uint32_t>(sizeof answer) + answer.data_bytes;
  }

 private:
  static uint8_t* block_at(uint32_t block) {
    constexpr uint64_t kBefore = ASSAY_BRIDGE_WINDOW_PAGES + ASSAY_BRIDGE_BUFFER_PAGES;
    return reinterpret_cast<uint8_t*>(region() + kBefore * kPageBytes + block * uint64_t{ASSAY_MAILBOX_BYTES});
  }
  static assay_mailbox& box(uint32_t slot) {
    return *reinterpret_cast<assay_mailbox*>(region() + slot * static_cast<uint64_t>(ASSAY_MAILBOX_BYTES));
  }

  void execute_command(const assay_bridge_request& header, const uint64_t* arguments, const uint8_t* data,
                       assay_bridge_reply& answer) {
    if (header.command == ASSAY_BRIDGE_OPEN) {
      answer.value[0] = open(header.slot, arguments[0], arguments + 1);
      answer.bridge_status = answer.value[0] == 0 ? ASSAY_BRIDGE_OK : ASSAY_BRIDGE_REFUSED;
      return;
    }
    if (!slots_[header.slot].is_open) return;
    switch (header.command) {
      case ASSAY_BRIDGE_CLOSE:
        close(header.slot);
        answer.bridge_status = ASSAY_BRIDGE_OK;
        return;
      case ASSAY_BRIDGE_LOOK:
        look(box(header.slot), answer);
        return;
      case ASSAY_BRIDGE_CALL:
        if (slots_[header.slot].is_in_flight) return;
        start(header, arguments, data);
        await(header, answer);
        return;
      case ASSAY_BRIDGE_AWAIT:
        if (slots_[header.slot].is_in_flight) await(header, answer);
        return;
      default:
        return;
    }
  }

  uint64_t open(uint32_t slot, uint64_t domain, const uint64_t* frames) {
    close(slot);
    for (uint64_t i = 0; i < kMailboxFrames; ++i) {
      const uint64_t va = address_of(&box(slot)) + i * kPageBytes;
      const uint64_t result = hypercall(__HYPERVISOR_update_va_mapping_otherdomain, va,
                                        frames[i] << 12 | kPteAttributes, UVMF_INVLPG | UVMF_LOCAL, domain);
      if (result != 0) {
        give_back(slot, i);
        return result;
      }
    }
    slots_[slot] = {true, false, box(slot).reply};
    return 0;
  }

  /// The window's own pages are mapped again: a frame of a domain must not be held longer than needed.
  void give_back(uint32_t slot, uint64_t pages) {
    for (uint64_t i = 0; i < pages; ++i) {
      const uint64_t va = address_of(&box(slot)) + i * kPageBytes;
      hypercall(__HYPERVISOR_update_va_mapping, va, frame_of(va) << 12 | kPteAttributes, UVMF_INVLPG | UVMF_LOCAL);
    }
  }

  void close(uint32_t slot) {
    if (slots_[slot].is_open) give_back(slot, kMailboxFrames);
    slots_[slot] = {};
  }

  static void look(const assay_mailbox& mailbox, assay_bridge_reply& answer) {
    answer.value[0] = __atomic_load_n(&mailbox.magic, __ATOMIC_ACQUIRE);
    answer.value[1] = mailbox.version | static_cast<uint64_t>(mailbox.vcpu_id) << 32;
    answer.value[2] = mailbox.boot_info;
    answer.bridge_status = ASSAY_BRIDGE_OK;
  }

  void start(const assay_bridge_request& header, const uint64_t* arguments, const uint8_t* data) {
    assay_mailbox& mailbox = box(header.slot);
    mailbox.op = header.op;
    mailbox.data_bytes = header.data_bytes;
    for (uint32_t i = 0; i < kArgumentsMax; ++i) mailbox.arg[i] = arguments[i];
    copy(mailbox.data, data, header.data_bytes);
    slots_[header.slot].is_in_flight = true;
    __atomic_store_n(&mailbox.request, ++slots_[header.slot].sequence, __ATOMIC_RELEASE);
  }

  void await(const assay_bridge_request& header, assay_bridge_reply& answer) {
    assay_mailbox& mailbox = box(header.slot);
    Slot& slot = slots_[header.slot];
    const uint64_t start_ns = system_time_ns(self_);
    while (__atomic_load_n(&mailbox.reply, __ATOMIC_ACQUIRE) != slot.sequence) {
      if (system_time_ns(self_) - start_ns >= header.wait_us * 1000ull) {
        answer.bridge_status = ASSAY_BRIDGE_IN_FLIGHT;
        return;
      }
      pause();
    }
    slot.is_in_flight = false;
    answer.bridge_status = ASSAY_BRIDGE_OK;
    answer.status = static_cast<uint8_t>(mailbox.status);
    for (uint32_t i = 0; i < 4; ++i) answer.value[i] = mailbox.value[i];
    if (answer.status == ASSAY_STATUS_FAULT) answer.fault = mailbox.fault;
    // The count comes from a guest that may be broken.
    const uint32_t bytes = mailbox.reply_bytes;
    answer.data_bytes = answer.status == ASSAY_STATUS_OK && bytes <= ASSAY_MAILBOX_DATA_BYTES ? bytes : 0;
  }

  State& self_;
  Slot slots_[ASSAY_BRIDGE_SLOTS] = {};
};

void fill_context(vcpu_guest_context& context, uint64_t root) {
  constexpr uint64_t kInterruptFlag = 0x200;
  context.flags = VGCF_in_kernel;
  context.user_regs.rip = reinterpret_cast<uint64_t>(&agent_pv_secondary);
  context.user_regs.rdi = ASSAY_BRIDGE_VCPU;
  context.user_regs.rflags = kInterruptFlag;
  context.user_regs.cs = FLAT_KERNEL_CS;
  context.user_regs.ss = FLAT_KERNEL_SS;
  context.user_regs.rsp = address_of(agent_stacks[ASSAY_BRIDGE_VCPU]) + kStackBytes;
  context.kernel_ss = FLAT_KERNEL_SS;
  context.kernel_sp = context.user_regs.rsp;
  context.ctrlreg[3] = xen_pfn_to_cr3(root);
}

}  // namespace

bool bridge_wanted(const char* command_line) {
  const char* wanted = ASSAY_BRIDGE_OPTION;
  for (const char* at = command_line; *at != '\0'; ++at) {
    uint32_t i = 0;
    while (wanted[i] != '\0' && at[i] == wanted[i]) ++i;
    if (wanted[i] == '\0') return true;
  }
  return false;
}

void start_bridge(const start_info& info) {
  // The new vCPU's stack holds the context while it does not run yet.
  static_assert(sizeof(vcpu_guest_context) <= kStackBytes);
  auto& context = *reinterpret_cast<vcpu_guest_context*>(agent_stacks[ASSAY_BRIDGE_VCPU]);
  fill_context(context, frame_of(info.pt_base));
  hypercall(__HYPERVISOR_vcpu_op, VCPUOP_initialise, ASSAY_BRIDGE_VCPU, address_of(&context));
  hypercall(__HYPERVISOR_vcpu_op, VCPUOP_up, ASSAY_BRIDGE_VCPU, 0);
}

void serve_bridge(State& self) {
  Bridge bridge(self);
  auto* buffers = reinterpret_cast<uint8_t*>(region() + ASSAY_BRIDGE_WINDOW_PAGES * kPageBytes);
  assay::bridge::Endpoint<Bridge> endpoint(bridge, buffers, buffers + kBufferBytes, kBufferBytes);
  char bytes[kConsoleBytes];
  uint64_t quiet_since_ns = 0;
  for (;;) {
    const uint64_t now_ns = system_time_ns(self);
    if (now_ns - quiet_since_ns >= kQuietNs) {
      endpoint.announce();
      quiet_since_ns = now_ns;
    }
    const auto count =
        static_cast<int64_t>(hypercall(__HYPERVISOR_console_io, CONSOLEIO_read, sizeof bytes, address_of(bytes)));
    if (count > 0 && count <= static_cast<int64_t>(sizeof bytes)) {
      endpoint.take(bytes, static_cast<uint32_t>(count));
      quiet_since_ns = system_time_ns(self);
    } else {
      pause();
    }
  }
}

}  // namespace agent
