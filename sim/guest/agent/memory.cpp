/// Fixed memory of the image.
#include "sim/guest/agent/agent.hpp"

namespace agent {

extern "C" {
/// A page of its own: the hypervisor's page takes its place.
SharedInfoPage agent_shared_info_page;
alignas(kPageBytes) assay_mailbox agent_mailboxes[kVcpusMax];
alignas(kPageBytes) uint8_t agent_stacks[kVcpusMax][kStackBytes];
}

static_assert(sizeof(SharedInfoPage) == kPageBytes);
static_assert(sizeof(assay_mailbox) == ASSAY_MAILBOX_BYTES);

}  // namespace agent
