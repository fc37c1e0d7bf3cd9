/// A plausible agent layout for tests of the pure parts of the toolstack.
#pragma once

#include "sim/base/strong.hpp"
#include "sim/guest/agent/protocol.h"

namespace assay::toolstack::testing {

/// Image at pfns 256..399, heap at 400..655.
inline assay_agent_layout fake_layout() {
  constexpr uint64_t kBase = 0xffffffff80000000;
  const auto page = [](uint64_t pfn) { return kBase + pfn * kPageSize; };
  assay_agent_layout layout{};
  layout.magic = ASSAY_AGENT_MAGIC;
  layout.version = ASSAY_AGENT_VERSION;
  layout.virt_base = kBase;
  layout.image_start = page(256);
  layout.image_end = layout.heap_end = page(656);
  layout.heap_start = page(400);
  layout.pv_entry = page(256) + 0x10;
  layout.pvh_entry = page(256) + 0x20;
  layout.pv_secondary = page(256) + 0x30;
  layout.pvh_secondary = page(256) + 0x40;
  layout.event_callback = page(256) + 0x50;
  layout.failsafe_callback = page(256) + 0x60;
  layout.trap_handlers = page(257);
  layout.trap_handler_stride = layout.menu_stride = 16;
  layout.menu = layout.user_menu = page(257) + 0x400;
  layout.landing = layout.user_landing = page(257) + 0x600;
  layout.hypercall_page = page(258);
  layout.shared_info = page(259);
  layout.pvh_page_tables = page(260);
  layout.mailboxes = page(264);
  layout.mailbox_stride = ASSAY_MAILBOX_BYTES;
  layout.stacks = page(300);
  layout.stack_bytes = 4 * kPageSize;
  return layout;
}

}  // namespace assay::toolstack::testing
