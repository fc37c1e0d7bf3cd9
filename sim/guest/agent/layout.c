/// The table that tells the host where everything is. In C, where an address may initialise an integer.
#include "sim/guest/agent/protocol.h"

extern char agent_image_start[], agent_image_end[], agent_heap_start[], agent_heap_end[];
extern char agent_pv_entry[], agent_pvh_entry[], agent_pv_secondary[], agent_pvh_secondary[];
extern char agent_pv_event[], agent_entries[], agent_menu[], agent_user_menu[], agent_landing[], agent_user_landing[];
extern char hypercall_page[], agent_shared_info_page[], agent_mailboxes[], agent_stacks[], agent_pvh_l4[];
extern char agent_boot_records[], agent_idle[];

#define ADDRESS(symbol) ((uint64_t)(symbol))

__attribute__((section(".assay.layout"), used)) const struct assay_agent_layout agent_layout = {
    .magic = ASSAY_AGENT_MAGIC,
    .version = ASSAY_AGENT_VERSION,
    .virt_base = 0xffffffff80000000ull,
    .image_start = ADDRESS(agent_image_start),
    .image_end = ADDRESS(agent_image_end),
    .pv_entry = ADDRESS(agent_pv_entry),
    .pvh_entry = ADDRESS(agent_pvh_entry),
    .pv_secondary = ADDRESS(agent_pv_secondary),
    .pvh_secondary = ADDRESS(agent_pvh_secondary),
    .event_callback = ADDRESS(agent_pv_event),
    .failsafe_callback = ADDRESS(agent_entries) + ASSAY_ENTRY_FAILSAFE * 16,
    .trap_handlers = ADDRESS(agent_entries),
    .trap_handler_stride = 16,
    .menu = ADDRESS(agent_menu),
    .user_menu = ADDRESS(agent_user_menu),
    .menu_stride = 16,
    .landing = ADDRESS(agent_landing),
    .user_landing = ADDRESS(agent_user_landing),
    .pvh_vector = 0xf3,
    .hypercall_page = ADDRESS(hypercall_page),
    .shared_info = ADDRESS(agent_shared_info_page),
    .mailboxes = ADDRESS(agent_mailboxes),
    .mailbox_stride = ASSAY_MAILBOX_BYTES,
    .stacks = ADDRESS(agent_stacks),
    .stack_bytes = 16384,
    .pvh_page_tables = ADDRESS(agent_pvh_l4),
    .boot_records = ADDRESS(agent_boot_records),
    .boot_record_stride = sizeof(struct assay_boot_record),
    .heap_start = ADDRESS(agent_heap_start),
    .heap_end = ADDRESS(agent_heap_end),
    .idle = ADDRESS(agent_idle),
};
