#include "fuzz/sequence/play.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "sim/engine/rng.hpp"

namespace assay::fuzz {
namespace {

constexpr uint64_t kCompareEvery = 64;

uint8_t draw_kind(Rng& rng, std::span<const OperationKind> kinds, uint32_t weights) {
  uint64_t left = rng.below(weights);
  for (size_t i = 0;; ++i) {
    if (left < kinds[i].weight) return static_cast<uint8_t>(i);
    left -= kinds[i].weight;
  }
}

std::string_view guests_of(const CaseSpec& spec, GuestType type) {
  if (spec.guests == GuestTypes::kDom0) return "kDom0";
  return type == GuestType::kPv64 ? "kPv64" : "kPvh";
}

/// What the families need, as a case writes it.
std::string needs_of(const CaseSpec& spec) {
  static constexpr std::array<std::pair<Capability, std::string_view>, 3> kNames{
      {{Capability::kDom0, "kDom0"}, {Capability::kTwoGuests, "kTwoGuests"}, {Capability::kSteer, "kSteer"}}};
  std::string text;
  for (const auto& [capability, name] : kNames) {
    if (std::ranges::count(spec.needs, capability) == 0) continue;
    text += fmt::format("{}Capability::{}", text.empty() ? "" : ", ", name);
  }
  return text.empty() ? text : fmt::format("    .needs = {{{}}},\n", text);
}

}  // namespace

Sequence generate(const Family& family, uint64_t seed, size_t length) {
  Rng rng(seed);
  const auto kinds = family.kinds;
  const auto add = [](uint32_t sum, const OperationKind& kind) { return sum + kind.weight; };
  const uint32_t weights = std::accumulate(kinds.begin(), kinds.end(), 0u, add);
  Sequence sequence(length);
  for (Operation& operation : sequence) {
    operation.kind = draw_kind(rng, kinds, weights);
    operation.actor = static_cast<uint8_t>(rng.below(family.actors));
    const uint64_t bits = rng.next();
    for (size_t i = 0; i < kinds[operation.kind].arguments; ++i) {
      operation.arg[i] = static_cast<uint16_t>(bits >> (16 * i)) % kLiteral;
    }
  }
  return sequence;
}

void perform(Play& play, const Sequence& sequence, Journal& journal) {
  for (Operation operation : sequence) {
    play.step(operation);
    if (!journal.failed() && (journal.steps() + 1) % kCompareEvery == 0) play.compare_all();
    journal.end_step(operation);
    if (journal.failed()) return;
  }
}

void play(const Family& family, CaseContext& context, const Sequence& sequence, Journal& journal) {
  const std::unique_ptr<Play> begun = family.begin(context, journal);
  perform(*begun, sequence, journal);
  if (!journal.failed()) begun->end();
}

std::string as_case(const Family& family, GuestType type, const std::vector<std::string>& code) {
  const CaseSpec& spec = family.spec;
  const auto indent = [](std::string_view lines) {
    std::string text;
    while (!lines.empty()) {
      const size_t end = lines.find('\n');
      text += fmt::format("          {}\n", lines.substr(0, end));
      lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    }
    return text;
  };
  std::string includes;
  for (const std::string_view header : family.includes) {
    includes +=
        header.starts_with('<') ? fmt::format("#include {}\n", header) : fmt::format("#include \"{}\"\n", header);
  }
  std::string body = indent(family.prologue);
  for (const std::string& line : code) body += indent(line);
  return fmt::format(
      "#include \"conformance/case.hpp\"\n"
      "{}\n"
      "namespace assay {{\nnamespace {{\n\n"
      "const Case kFound{{{{\n"
      "    .slug = \"{}.found.by_a_sequence\",\n"
      "    .rule = \"{}\",\n"
      "    .source = \"{}\",\n"
      "    .requirements = {{}},  // which of them it breaks\n"
      "    .guests = GuestTypes::{},\n"
      "{}"
      "    .vcpus = {},\n"
      "    .vcpus_online = {},\n"
      "    .max_evtchn_port = {},\n"
      "    .body =\n"
      "        [](CaseContext& c) {{\n"
      "{}"
      "        }},\n"
      "}}}};\n\n"
      "}}  // namespace\n}}  // namespace assay\n",
      includes, family.name, spec.rule, spec.source, guests_of(spec, type), needs_of(spec), spec.vcpus,
      spec.vcpus_online, spec.max_evtchn_port, body);
}

}  // namespace assay::fuzz
