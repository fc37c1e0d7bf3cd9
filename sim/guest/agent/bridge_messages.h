/// What the harness asks the bridge for, and the answers: the payload of the messages of bridge_frames.hpp.
/// C11, freestanding. Integers are little-endian; nothing has implicit padding.
#ifndef ASSAY_SIM_GUEST_AGENT_BRIDGE_MESSAGES_H
#define ASSAY_SIM_GUEST_AGENT_BRIDGE_MESSAGES_H

#include <stdint.h>

#include "sim/guest/agent/protocol.h"

/// The privileged domain's vCPU that serves the byte stream instead of a mailbox.
#define ASSAY_BRIDGE_VCPU 2u
/// Word on the privileged domain's command line that starts it.
#define ASSAY_BRIDGE_OPTION "assay.bridge"
/// Mailboxes that can be open at a time.
#define ASSAY_BRIDGE_SLOTS 32u
/// Pages at the end of the heap that the bridge keeps for itself: the windows onto mailboxes, and its buffers.
#define ASSAY_BRIDGE_WINDOW_PAGES (ASSAY_BRIDGE_SLOTS * (ASSAY_MAILBOX_BYTES / 4096u))
#define ASSAY_BRIDGE_BUFFER_PAGES 16u
/** Blocks of data that the harness has sent and may mean again: guests are loaded with the same image over and over. */
#define ASSAY_BRIDGE_BLOCKS 64u
#define ASSAY_BRIDGE_BLOCK_PAGES (ASSAY_BRIDGE_BLOCKS * (ASSAY_MAILBOX_BYTES / 4096u))
#define ASSAY_BRIDGE_PAGES (ASSAY_BRIDGE_WINDOW_PAGES + ASSAY_BRIDGE_BUFFER_PAGES + ASSAY_BRIDGE_BLOCK_PAGES)

enum assay_bridge_command {
  /// arg: domain, 4 frames as that domain's type has them for a foreign mapping. Maps a mailbox into slot `slot`.
  ASSAY_BRIDGE_OPEN = 1,
  ASSAY_BRIDGE_CLOSE = 2,
  /// value: magic, version | vcpu id << 32, boot_info, 0 of the mailbox.
  ASSAY_BRIDGE_LOOK = 3,
  /// Starts operation `op` with arg and data, then as AWAIT.
  ASSAY_BRIDGE_CALL = 4,
  /// Waits up to `wait_us` for the operation in flight.
  ASSAY_BRIDGE_AWAIT = 5,
};

struct assay_bridge_request {
  uint8_t command;
  uint8_t slot;
  uint8_t op;
  uint8_t args; /**< so many 8-byte words follow, at most 8; then data_bytes bytes */
  uint32_t data_bytes;
  uint32_t wait_us;
  uint32_t block; /**< one of enum assay_bridge_block, | a block number */
};

/// What becomes of the data. The harness alone decides which block holds what.
enum assay_bridge_block {
  ASSAY_BRIDGE_INLINE = 0,         /**< it follows, and is not kept */
  ASSAY_BRIDGE_KEEP = 0x100,       /**< it follows, and is kept in the block */
  ASSAY_BRIDGE_KEPT = 0x200,       /**< it does not follow: data_bytes from the block are meant */
  ASSAY_BRIDGE_BLOCK_MASK = 0xff,
};

enum assay_bridge_status {
  ASSAY_BRIDGE_OK = 0,
  ASSAY_BRIDGE_IN_FLIGHT = 1,
  ASSAY_BRIDGE_BAD_REQUEST = 2,
  ASSAY_BRIDGE_REFUSED = 3, /**< value[0]: what the hypervisor said to the mapping */
};

struct assay_bridge_reply {
  uint8_t bridge_status;
  uint8_t status; /**< enum assay_status of the operation */
  uint16_t reserved;
  uint32_t data_bytes; /**< so many bytes follow */
  uint64_t value[4];
  struct assay_fault fault;
};

/// Answer to kReset.
struct assay_bridge_greeting {
  uint64_t magic; /**< ASSAY_AGENT_MAGIC */
  uint32_t agent_version, slots;
  uint64_t mailbox_frames[4]; /**< of the privileged domain's first vCPU */
};

#define ASSAY_BRIDGE_MESSAGE_MAX (sizeof(struct assay_bridge_reply) + 64 + ASSAY_MAILBOX_DATA_BYTES)

#endif
