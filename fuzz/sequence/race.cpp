#include "fuzz/sequence/race.hpp"

#include <fmt/format.h>

namespace assay::fuzz {

RaceTrack::RaceTrack(CaseContext& context, Domain& first, Domain& second, std::string_view name)
    : context_(&context),
      domains_{&first, &second},
      name_(name),
      arguments_{first.alloc_pages(1), second.alloc_pages(1)} {}

std::string RaceTrack::prologue(std::string_view name) {
  return fmt::format(
      "[[maybe_unused]] const Gva our_argument = c.guest().alloc_pages(1);\n"
      "[[maybe_unused]] const Gva their_argument = {}.alloc_pages(1);\n"
      "[[maybe_unused]] int64_t first = 0, second = 0;\n",
      name);
}

std::string RaceTrack::name_of(const Racer& racer) const {
  return fmt::format("{}.vcpu({})", racer.domain == 0 ? "c.guest()" : name_, racer.vcpu);
}

std::string RaceTrack::argument_name(const Racer& racer) {
  return fmt::format("({} + {})", racer.domain == 0 ? "our_argument" : "their_argument", racer.vcpu * kArgumentBytes);
}

RaceResults RaceTrack::race(Journal& journal, uint64_t number, const Call& first, const Call& second) const {
  RaceResults results{};
  const uint64_t at = argument(second.by).raw();
  results[0] = run(number, first, [&] {
    results[1] = second.command ? vcpu(second.by).hypercall(second.number, {*second.command, at, second.count})
                                : vcpu(second.by).hypercall(second.number, {at});
  });
  journal.did([&] {
    return code_of(number, first, fmt::format("second = {}.hypercall({})", name_of(second.by), text_of(second)));
  });
  return results;
}

int64_t RaceTrack::run(uint64_t number, const Call& first, const std::function<void()>& meanwhile) const {
  const uint64_t at = argument(first.by).raw();
  int64_t result = 0;
  context_->interleave_as(number, [&] {
    result = first.command
                 ? context_->during(vcpu(first.by), first.number, {*first.command, at, first.count}, meanwhile)
                 : context_->during(vcpu(first.by), first.number, {at}, meanwhile);
  });
  return result;
}

std::string RaceTrack::text_of(const Call& call) const {
  const std::string at = argument_name(call.by) + ".raw()";
  return call.command ? fmt::format("{}, {{{}, {}, {}}}", call.number, *call.command, at, call.count)
                      : fmt::format("{}, {{{}}}", call.number, at);
}

std::string RaceTrack::code_of(uint64_t number, const Call& first, const std::string& meanwhile) const {
  return fmt::format(
      "first = 0, second = 0;\n"
      "c.interleave_as({}, [&] {{\n"
      "  first = c.during({}, {}, [&] {{ {}; }});\n"
      "}});",
      number, name_of(first.by), text_of(first), meanwhile);
}

}  // namespace assay::fuzz
