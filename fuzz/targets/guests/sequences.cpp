/// Typed operations of guests, played on a core and on a model of it at once.
#include <algorithm>
#include <optional>

#include "conformance/case.hpp"
#include "fuzz/sequence/families.hpp"
#include "fuzz/sequence/play.hpp"
#include "fuzz/sequence/tasks.hpp"
#include "fuzz/targets/guests/stage.hpp"

namespace assay::fuzz {
namespace {

constexpr size_t kOperationsMax = 20;
/// Comparing all that guests see takes as long as some sequences: each operation compares what it touches.
constexpr uint64_t kCompareAllOneIn = 32;

/// The first byte chooses the type of the guests, where the family has both; an operation is eight bytes.
struct Script {
  GuestType type = GuestType::kPv64;
  Sequence sequence;
};

bool has_both_types(const Family& family) {
  return family.spec.guests == GuestTypes::kBoth;
}

Script script_from(const Family& family, std::string_view input) {
  if (input.empty()) return {};
  const bool is_pvh = has_both_types(family) && (input[0] & 1) != 0;
  Script script{is_pvh ? GuestType::kPvh : GuestType::kPv64, sequence_from_bytes(family, input.substr(1))};
  if (script.sequence.size() > kOperationsMax) script.sequence.resize(kOperationsMax);
  return script;
}

std::string to_input(const Script& script) {
  return (script.type == GuestType::kPvh ? '\1' : '\0') + to_bytes(script.sequence);
}

/// As --play takes it.
std::string show(const Family& family, const Script& script) {
  return to_text(Task{&family, script.type, script.sequence});
}

/// Guests of one type in front of which sequences of a family are played.
class Theatre {
 public:
  Theatre(const Family& family, GuestType type, HostTarget& core)
      : family_(family), type_(type), stage_(core, [this](HostTarget& target) { prepare(target); }) {}

  [[nodiscard]] GuestType type() const { return type_; }
  void play(const Script& script, std::string_view input, Care care) {
    journal_ = Journal(Keep::kNothing);
    if (!stage_.reset()) journal_ = Journal(Keep::kNothing);
    const std::unique_ptr<Play> played = opening_->clone();
    perform(*played, script.sequence, journal_);
    if (!journal_.failed() && is_looked_at(input, kCompareAllOneIn, care)) played->end();
    if (journal_.failed()) throw Broken("operation " + std::to_string(journal_.steps()) + ": " + journal_.failure());
    stage_.check(input, care);
  }
  [[nodiscard]] const Sequence& played() const { return journal_.played(); }

 private:
  void prepare(HostTarget& target) {
    context_ = std::make_unique<CaseContext>(target, family_.spec, type_, 1, nullptr);
    opening_ = family_.begin(*context_, journal_);
  }

  const Family& family_;
  GuestType type_;
  Journal journal_{Keep::kNothing};
  std::unique_ptr<CaseContext> context_;
  std::unique_ptr<Play> opening_;
  Stage stage_;
};

/// Guests of the type that the input asks for.
class SequencePlayer final : public InputPlayer {
 public:
  SequencePlayer(const Family& family, HostTarget& core) : family_(family), core_(core) {}

  void play(std::string_view input, Care care) override {
    script_ = script_from(family_, input);
    if (!theatre_ || theatre_->type() != script_.type) {
      theatre_.reset();
      theatre_.emplace(family_, script_.type, core_);
    }
    theatre_->play(script_, input, care);
  }
  [[nodiscard]] std::string played() const override {
    Script script = script_;
    if (theatre_) std::ranges::copy(theatre_->played(), script.sequence.begin());
    return to_input(script);
  }

 private:
  const Family& family_;
  HostTarget& core_;
  Script script_;
  std::optional<Theatre> theatre_;
};

void change_argument(Operation& operation, Entropy& entropy) {
  uint16_t& argument = operation.arg.at(entropy.below(operation.arg.size()));
  switch (entropy.below(3)) {
    case 0:
      argument = static_cast<uint16_t>(entropy.below(kLiteral));
      break;
    case 1:
      argument = static_cast<uint16_t>((argument + 1) % kLiteral);
      break;
    default:
      argument = static_cast<uint16_t>(entropy.below(16));
      break;
  }
}

void change(const Family& family, Sequence& sequence, Entropy& entropy) {
  const auto fresh = [&] { return generate(family, entropy.bits(), 1).front(); };
  if (sequence.empty()) return sequence.push_back(fresh());
  const auto at = [&] { return sequence.begin() + static_cast<ptrdiff_t>(entropy.below(sequence.size())); };
  switch (entropy.below(7)) {
    case 0:
      sequence.insert(at(), fresh());
      break;
    case 1:
      sequence.erase(at());
      break;
    case 2:
      std::iter_swap(at(), at());
      break;
    case 3: {
      const Operation twin = *at();
      sequence.insert(at(), twin);
      break;
    }
    case 4:
      at()->kind = fresh().kind;
      break;
    case 5:
      at()->actor = static_cast<uint8_t>(entropy.below(family.actors));
      break;
    default:
      change_argument(*at(), entropy);
      break;
  }
}

std::string mutate(const Family& family, std::string_view input, Entropy& entropy) {
  constexpr size_t kChangesMax = 4;
  Script script = script_from(family, input);
  if (script.sequence.empty()) script.sequence = generate(family, entropy.bits(), kOperationsMax);
  if (has_both_types(family) && entropy.one_in(50)) {
    script.type = script.type == GuestType::kPvh ? GuestType::kPv64 : GuestType::kPvh;
  }
  for (size_t left = 1 + entropy.below(kChangesMax); left != 0; --left) change(family, script.sequence, entropy);
  if (script.sequence.size() > kOperationsMax) script.sequence.resize(kOperationsMax);
  return to_input(script);
}

/// The beginning of one and the end of another.
std::string cross(const Family& family, std::string_view one, std::string_view other, Entropy& entropy) {
  Script script = script_from(family, one);
  const Sequence tail = script_from(family, other).sequence;
  script.sequence.resize(entropy.below(script.sequence.size() + 1));
  script.sequence.insert(script.sequence.end(), tail.begin() + static_cast<ptrdiff_t>(entropy.below(tail.size() + 1)),
                         tail.end());
  if (script.sequence.size() > kOperationsMax) script.sequence.resize(kOperationsMax);
  return to_input(script);
}

template <const Family& (*kFamily)()>
GuestTarget sequences_of(std::string_view name, std::string_view reads) {
  return {.name = name,
          .reads = reads,
          .head_bytes = 1,
          .operation_bytes = kOperationBytes,
          .operations_max = kOperationsMax,
          .mutate = [](std::string_view input, Entropy& entropy) { return mutate(kFamily(), input, entropy); },
          .cross = [](std::string_view one, std::string_view other,
                      Entropy& entropy) { return cross(kFamily(), one, other, entropy); },
          .is_for_pvh = [](std::string_view input) { return script_from(kFamily(), input).type == GuestType::kPvh; },
          .show = [](std::string_view input) { return show(kFamily(), script_from(kFamily(), input)); },
          .begin = [](HostTarget& core) -> std::unique_ptr<InputPlayer> {
            return std::make_unique<SequencePlayer>(kFamily(), core);
          }};
}

}  // namespace

GuestTarget domains_target() {
  return sequences_of<domains_family>("domains", "what a toolstack does to domains, against the model");
}

GuestTarget events_target() {
  return sequences_of<events_family>("events", "operations on event channels, against the model");
}

GuestTarget grants_target() {
  return sequences_of<grants_family>("grants", "operations on grant tables, against the model");
}

GuestTarget memory_target() {
  return sequences_of<memory_family>("memory", "operations on a guest's memory, against the model");
}

GuestTarget page_tables_target() {
  return sequences_of<page_tables_family>("page_tables", "operations on a PV guest's page tables, against the model");
}

}  // namespace assay::fuzz
