// Event channels, one operation after the other.
#include "fuzz/sequence/events_play.hpp"

namespace assay::fuzz {
namespace {

std::unique_ptr<Play> begin_events(CaseContext& context, Journal& journal) {
  return std::make_unique<EventsPlay>(context, journal, 1);
}

}  // namespace

std::string EventsPlay::prologue() {
  return "for (Vcpu* const vcpu : {&c.vcpu(), &c.peer().vcpu(0)}) {\n"
         "  vcpu->set_upcalls(false);\n"
         "  for (const uint32_t id : {0u, 1u}) VcpuOps(*vcpu).stop_periodic_timer(id);\n"
         "}\n"
         "EventChannels ours(c.vcpu());\n"
         "EventChannels theirs(c.peer().vcpu(0));\n"
         "SharedInfo our_bits(c.vcpu());\n"
         "SharedInfo their_bits(c.peer().vcpu(0));\n";
}

const Family& events_family() {
  static const Family family{.name = "events",
                             .kinds = EventsPlay::kOperations,
                             .actors = EventsPlay::kGuests,
                             .spec = {.slug = "property.events",
                                      .rule = "Event channels answer, and show guests, what the ABI says.",
                                      .source = "public/event_channel.h",
                                      .needs = {Capability::kTwoGuests},
                                      .vcpus = EventsPlay::kVcpus,
                                      .max_evtchn_port = EventsPlay::kPortsMax},
                             .includes = {"conformance/guest/event_channels.hpp", "conformance/guest/shared_info.hpp",
                                          "conformance/guest/vcpu_ops.hpp"},
                             .prologue = EventsPlay::prologue(),
                             .begin = begin_events};
  return family;
}

}  // namespace assay::fuzz
