#include "hv/domain/nodes.hpp"

#include <charconv>

#include "hv/base/arena.hpp"
#include "hv/base/host.hpp"

namespace hv {

namespace {

constexpr std::string_view kFake = "fake=";

struct Preference {
  DomId domain;
  uint64_t nodes;
  Preference* next;
};

// In the data segment, which the host saves and restores with the arena.
uint32_t nodes = 1;
Preference* preferences = nullptr;

/// The link to that domain's; the last one when it has none.
Preference** link_of(DomId domain) {
  Preference** link = &preferences;
  while (*link != nullptr && (*link)->domain != domain) link = &(*link)->next;
  return link;
}

}  // namespace

Status nodes_init(std::string_view option) {
  nodes = 1;
  preferences = nullptr;
  if (option.empty()) return kOk;
  uint32_t wanted = 0;
  const std::string_view number = option.starts_with(kFake) ? option.substr(kFake.size()) : "";
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), wanted);
  const bool is_number = error == std::errc{} && end == number.data() + number.size();
  if (!is_number || wanted == 0 || wanted > kNodesMax || wanted > host().pcpus) {
    log("numa=%.*s: expected fake=N, from 1 to %u, and at most as many as pCPUs", static_cast<int>(option.size()),
        option.data(), kNodesMax);
    return fail(XEN_EINVAL);
  }
  nodes = wanted;
  return kOk;
}

uint32_t node_count() {
  return nodes;
}

uint32_t node_of_pcpu(uint32_t pcpu) {
  const uint32_t node = pcpu / (host().pcpus / nodes);
  return node < nodes ? node : nodes - 1;
}

uint64_t first_frame_of_node(uint32_t node) {
  return node < nodes ? node * (host().frames / nodes) : host().frames;
}

uint64_t node_affinity(DomId domain) {
  const Preference* const preference = *link_of(domain);
  return preference == nullptr ? 0 : preference->nodes;
}

Status set_node_affinity(DomId domain, uint64_t wanted) {
  Preference** const link = link_of(domain);
  if (*link == nullptr) {
    *link = arena_new<Preference>();
    if (*link == nullptr) return fail(XEN_ENOMEM);
    (*link)->domain = domain;
  }
  (*link)->nodes = wanted;
  return kOk;
}

void forget_node_affinity(DomId domain) {
  Preference** const link = link_of(domain);
  Preference* const gone = *link;
  if (gone == nullptr) return;
  *link = gone->next;
  arena_delete(gone);
}

}  // namespace hv
