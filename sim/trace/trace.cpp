#include "sim/trace/trace.hpp"

namespace assay::trace {
namespace {

/// The same, for one who only knows `domain`: outside of it all is one.
Occupant seen_from(uint16_t domain, const Occupant& occupant) {
  if (occupant.kind == Occupant::Kind::kUnknown) return occupant;
  if (occupant.kind == Occupant::Kind::kVcpu && occupant.vcpu.domid == domain) return occupant;
  return {Occupant::Kind::kOther, {}};
}

}  // namespace

bool Filter::take(Event& event) const {
  if (event.now_ns < from_ns || event.now_ns >= to_ns) return false;
  if (!domain) return true;
  if (event.vcpu) return event.vcpu->domid == *domain;
  auto* const change = std::get_if<Switch>(&event.what);
  if (change == nullptr) return false;
  change->from = seen_from(*domain, change->from);
  change->to = seen_from(*domain, change->to);
  return change->from != change->to;
}

Trace Filter::of(const Trace& all) const {
  Trace some;
  some.subject = all.subject;
  some.dropped = all.dropped;
  for (const Event& event : all.events) {
    Event mine = event;
    if (take(mine)) some.events.push_back(std::move(mine));
  }
  return some;
}

}  // namespace assay::trace
