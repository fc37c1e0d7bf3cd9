/// The code where vCPUs left.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "sim/guest/unicorn/disassembly.hpp"
#include "sim/trace/trace_text.hpp"

namespace assay::trace {
namespace {

constexpr size_t kNeighbours = 8;
using Instructions = std::vector<unicorn::TextInstruction>;

/// Instructions that end exactly at the end of `code`. x86 code cannot be read backwards, but reading it from anywhere
/// soon falls into step: before each instruction stands the one to which most of the possible beginnings lead.
Instructions leading_to_end(std::span<const std::byte> code, uint64_t address, unsigned code_bits) {
  struct Place {
    std::optional<unicorn::TextInstruction> one;
    size_t beginnings = 1;
  };
  std::vector<Place> places(code.size() + 1);
  for (size_t at = 0; at < code.size(); ++at) {
    Instructions found = unicorn::disassemble(code.subspan(at), address + at, code_bits);
    if (found.empty()) continue;
    places[at + found.front().bytes].beginnings += places[at].beginnings;
    places[at].one = std::move(found.front());
  }
  Instructions backwards;
  for (size_t end = code.size(); end != 0;) {
    const Place* best = nullptr;
    for (size_t at = 0; at < end; ++at) {
      const Place& place = places[at];
      const bool leads_there = place.one && at + place.one->bytes == end;
      if (leads_there && (best == nullptr || place.beginnings > best->beginnings)) best = &place;
    }
    if (best == nullptr) break;
    backwards.push_back(*best->one);
    end -= best->one->bytes;
  }
  std::reverse(backwards.begin(), backwards.end());
  return backwards;
}

const Exit* exit_with_code(const Event& event) {
  const Exit* const exit = std::get_if<Exit>(&event.what);
  return exit != nullptr && !exit->code.empty() ? exit : nullptr;
}

uint64_t distance(const Event& event, uint64_t at_ns) {
  return event.now_ns > at_ns ? event.now_ns - at_ns : at_ns - event.now_ns;
}

/// The index that is nearest in time among those that `counts`; the count of events when none does.
template <typename Counts>
size_t nearest(const Trace& trace, uint64_t at_ns, Counts counts) {
  size_t best = trace.events.size();
  for (size_t i = 0; i < trace.events.size(); ++i) {
    if (!counts(trace.events[i])) continue;
    if (best == trace.events.size() || distance(trace.events[i], at_ns) < distance(trace.events[best], at_ns)) best = i;
  }
  return best;
}

}  // namespace

std::string describe_code(const Exit& exit) {
  const std::span<const std::byte> code(exit.code);
  const size_t before = std::min<size_t>(exit.code_before, code.size());
  std::string text;
  const auto add = [&](const unicorn::TextInstruction& one) {
    text += fmt::format("{} {:#18x}  {}\n", one.address == exit.rip ? " =>" : "   ", one.address, one.text);
  };
  for (const auto& one : leading_to_end(code.first(before), exit.rip - before, exit.code_bits)) add(one);
  for (const auto& one : unicorn::disassemble(code.subspan(before), exit.rip, exit.code_bits)) add(one);
  return text;
}

void print_around(const Trace& trace, uint64_t at_ns, const Sink& sink) {
  const size_t count = trace.events.size();
  const size_t centre = nearest(trace, at_ns, [](const Event&) { return true; });
  if (centre == count) return sink("# no events\n");
  const size_t first = centre - std::min(centre, kNeighbours);
  const size_t end = std::min(count, centre + kNeighbours + 1);
  for (size_t i = first; i < end; ++i) sink((i == centre ? "> " : "  ") + describe(trace.events[i]) + "\n");
  const size_t place =
      nearest(trace, trace.events[centre].now_ns, [](const Event& event) { return exit_with_code(event) != nullptr; });
  if (place == count) return sink("# no code was kept\n");
  const Event& event = trace.events[place];
  sink(fmt::format("\ncode of {} at {} ns:\n", to_string(*event.vcpu), event.now_ns) +
       describe_code(*exit_with_code(event)));
}

}  // namespace assay::trace
