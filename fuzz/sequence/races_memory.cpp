// Races of a guest's memory: two vCPUs of the guest, or the guest and its toolstack, at once.
#include <map>

#include "fuzz/sequence/memory_play.hpp"
#include "fuzz/sequence/race.hpp"

namespace assay::fuzz {
namespace {

using model::MemoryModel;
using Racer = RaceTrack::Racer;

constexpr std::string_view kToolstack = "c.dom0()";

enum Kind : uint8_t { kRace = MemoryPlay::kOperations.size() };

constexpr auto kOperations = [] {
  std::array<OperationKind, MemoryPlay::kOperations.size() + 1> all{};
  std::ranges::copy(MemoryPlay::kOperations, all.begin());
  all[kRace] = {"race", 100, 3};
  return all;
}();

/// One of two operations at once, on one place.
struct Contender {
  Racer by;
  MemoryPlay::Kind kind = MemoryPlay::kPopulate;
  uint32_t place = 0;
  uint32_t other = 0;  ///< kMove: the place it goes to; kShowGrantFrame: which one
  uint64_t limit = 0;
};

class RacesMemoryPlay final : public MemoryPlay {
 public:
  RacesMemoryPlay(CaseContext& context, Journal& journal)
      : MemoryPlay(context, journal), track_(context, context.guest(), context.dom0(), kToolstack) {}

  void step(Operation& operation) override {
    if (operation.kind == kRace) return race(operation.arg);
    MemoryPlay::step(operation);
  }

  [[nodiscard]] std::unique_ptr<Play> clone() const override { return std::make_unique<RacesMemoryPlay>(*this); }

 private:
  void race(const std::array<uint16_t, 3>& arg) {
    static constexpr std::array<std::array<Racer, 2>, 4> kRacers{
        {{{{0, 0}, {0, 1}}}, {{{0, 0}, {1, 0}}}, {{{1, 0}, {0, 0}}}, {{{0, 1}, {0, 0}}}}};
    constexpr uint16_t kMeets = 4;
    const uint16_t how = arg[2] / kInterleavings;
    const auto& [one, other] = kRacers[how % kRacers.size()];
    Contender first = contender_of(one, arg[0]);
    Contender second = contender_of(other, arg[1]);
    if (how / kRacers.size() % kMeets != 0) second.place = first.place;
    keep_to_the_rules(first);
    keep_to_the_rules(second);
    keep_apart(first, second);
    const auto outcomes = both_orders(
        model_, [&](MemoryModel& model) { return apply(model, first); },
        [&](MemoryModel& model) { return apply(model, second); });
    prepare(first);
    prepare(second);
    const RaceResults actual = track_.race(journal_, interleaving_of(arg[2]), call_of(first), call_of(second));
    // Who gave a frame away knows that it is gone before the other one looks for it.
    const bool is_second_done = actual[1] > actual[0];
    if (is_second_done) finish(second, "second", actual[1]);
    finish(first, "first", actual[0]);
    if (!is_second_done) finish(second, "second", actual[1]);
    const auto shown = [&](const MemoryModel& model) { return shows(model); };
    const bool is_settled = settle(journal_, model_, outcomes, actual, shown);
    for (uint32_t place = 0; is_settled && place < kPlaces; ++place) {
      if (is_fresh(model_.places()[place])) fill(place);
    }
    if (!is_settled) compare_all();
  }

  /// Bits 0 to 3 choose the place, 4 to 7 the other one, 12 to 14 what is done.
  [[nodiscard]] Contender contender_of(const Racer& by, uint16_t choice) const {
    using Kinds = std::array<MemoryPlay::Kind, 8>;
    static constexpr Kinds kOfPv{kPopulate, kPopulate, kPopulate, kDecrease,
                                 kDecrease, kDecrease, kIncrease, kSetLimit};
    static constexpr Kinds kOfPvh{kPopulate, kPopulate,       kDecrease, kDecrease,
                                  kMove,     kShowGrantFrame, kRemove,   kSetLimit};
    Contender made{.by = by,
                   .kind = (is_pv_ ? kOfPv : kOfPvh)[choice >> 12 & 7],
                   .place = choice % 16u % kPlaces,
                   .other = choice / 16u % 16u % kPlaces,
                   .limit = model_.pages() + choice / 16u % 3u};
    const bool is_toolstack = by.domain == 1;
    if (made.kind == kSetLimit && !is_toolstack) made.kind = kIncrease;
    return made;
  }
  /// What MemoryPlay never does either: a grant frame's place is for the guest to clear first.
  void keep_to_the_rules(Contender& does) const {
    if (does.kind == kMove && does.other == does.place) does.other = (does.place + 1) % kPlaces;
    const bool is_grant_frame = model_.places()[does.place].kind == PlaceKind::kGrantFrame;
    if (is_grant_frame && needs_memory(does.kind)) does.kind = kRemove;
  }
  static bool needs_memory(MemoryPlay::Kind kind) { return kind == kPopulate || kind == kDecrease || kind == kMove; }
  void keep_apart(Contender& first, Contender& second) const {
    // What a PV guest has at a place is its own affair: to the hypervisor a frame that goes and one that comes are two.
    const bool are_decreases = first.kind == kDecrease && second.kind == kDecrease;
    if (is_pv_ && !are_decreases && first.place == second.place) second.place = (first.place + 1) % kPlaces;
    if (is_pv_ || first.place != second.place) return;
    // Which of two frames it was that came last nobody sees.
    const bool are_frames = first.kind == kShowGrantFrame && second.kind == kShowGrantFrame;
    if (are_frames) second.other = first.other;
    if (first.kind == kShowGrantFrame && needs_memory(second.kind)) second.kind = kRemove;
    if (second.kind == kShowGrantFrame && needs_memory(first.kind)) first.kind = kRemove;
  }

  static int64_t apply(MemoryModel& model, const Contender& does) {
    const std::array place{does.place};
    switch (does.kind) {
      case kPopulate:
        return model.populate(place);
      case kDecrease:
        return model.decrease(place);
      case kIncrease:
        return model.increase(1);
      case kRemove:
        return model.remove_from_physmap(does.place);
      case kMove:
        return model.move(does.place, does.other);
      case kShowGrantFrame:
        return model.show_grant_frame(1 + does.other % kGrantFrames, does.place);
      default:
        model.set_limit(does.limit);
        return 0;
    }
  }
  static RaceTrack::Call call_of(const Contender& does) {
    if (does.kind == kSetLimit) return {does.by, __HYPERVISOR_domctl, std::nullopt};
    static const std::map<MemoryPlay::Kind, uint64_t> kCommands{
        {kPopulate, XENMEM_populate_physmap},     {kDecrease, XENMEM_decrease_reservation},
        {kIncrease, XENMEM_increase_reservation}, {kRemove, XENMEM_remove_from_physmap},
        {kMove, XENMEM_add_to_physmap},           {kShowGrantFrame, XENMEM_add_to_physmap}};
    return {does.by, __HYPERVISOR_memory_op, kCommands.at(does.kind)};
  }

  void prepare(const Contender& does) {
    const uint32_t place = does.place;
    if (is_pv_ && does.kind == kDecrease) {
      places_.hide(place);
      journal_.did([&] { return fmt::format("places.hide({});", place); });
    }
    switch (does.kind) {
      case kPopulate:
        return put_extent(does, places_.pfn(place), "pfn");
      case kDecrease:
        return put_extent(does, places_.extent(place), "extent");
      case kIncrease:
        return put_extent(does, places_.pfn(place), "pfn");
      case kRemove:
        return track_.put(journal_, does.by, places_.remove_request(place),
                          [&] { return fmt::format("places.remove_request({})", place); });
      case kMove:
        return track_.put(journal_, does.by, places_.move_request(place, does.other),
                          [&] { return fmt::format("places.move_request({}, {})", place, does.other); });
      case kShowGrantFrame: {
        const uint32_t index = 1 + does.other % kGrantFrames;
        return track_.put(journal_, does.by, places_.grant_frame_request(index, place),
                          [&] { return fmt::format("places.grant_frame_request({}, {})", index, place); });
      }
      default:
        return track_.put(journal_, does.by, places_.limit_request(does.limit),
                          [&] { return fmt::format("places.limit_request({})", does.limit); });
    }
  }
  [[nodiscard]] DomId guest_id() const { return track_.vcpu({0, 0}).domain().id(); }
  void put_extent(const Contender& does, uint64_t extent, std::string_view name) {
    track_.put(journal_, does.by, one_extent(track_.argument(does.by), extent, guest_id()), [&] {
      return fmt::format("one_extent({}, places.{}({}), c.guest().id())", RaceTrack::argument_name(does.by), name,
                         does.place);
    });
  }
  /// A PV guest sees what has come, and what has stayed.
  void finish(const Contender& does, std::string_view variable, int64_t done) {
    if (!is_pv_) return;
    if (does.kind == kPopulate && done == 1) {
      places_.show(does.place, track_.vcpu(does.by).read<OneExtent>(track_.argument(does.by)).extent);
      journal_.did([&] {
        return fmt::format("if ({} == 1) places.show({}, {}.read<OneExtent>({}).extent);", variable, does.place,
                           track_.name_of(does.by), RaceTrack::argument_name(does.by));
      });
    } else if (does.kind == kDecrease) {
      places_.show(does.place, done == 1 ? MemoryPlaces::kNowhere : places_.extent(does.place));
      journal_.did([&] {
        return fmt::format("places.show({}, {} == 1 ? MemoryPlaces::kNowhere : places.extent({}));", does.place,
                           variable, does.place);
      });
    }
  }

  /// Of what new memory holds nothing is known before the guest has written it.
  static bool is_fresh(const MemoryModel::Place& place) { return place.kind == PlaceKind::kRam && place.word == 0; }
  [[nodiscard]] bool shows(const MemoryModel& model) {
    for (uint32_t i = 0; i < kPlaces; ++i) {
      const MemoryModel::Place& place = model.places()[i];
      const uint64_t word = places_.word(i);
      if ((word == kNothing) != (place.kind == PlaceKind::kEmpty)) return false;
      if (word != kNothing && word != place.word && !is_fresh(place)) return false;
    }
    return std::cmp_equal(places_.reservation(), model.pages()) && std::cmp_equal(places_.maximum(), model.limit());
  }

  RaceTrack track_;
};

}  // namespace

const Family& races_memory_family() {
  static const Family family{
      .name = "races_memory",
      .kinds = kOperations,
      .actors = 1,
      .spec = {.slug = "property.races_memory",
               .rule = "Two operations on a guest's memory at once come out as in one of the two orders.",
               .source = "public/memory.h",
               .needs = {Capability::kDom0, Capability::kSteer},
               .vcpus = RaceTrack::kVcpus,
               .vcpus_online = RaceTrack::kVcpus},
      .includes = {"<array>", "conformance/guest/memory_places.hpp"},
      .prologue = MemoryPlay::prologue() + RaceTrack::prologue(kToolstack),
      .begin = begin_play<RacesMemoryPlay>};
  return family;
}

}  // namespace assay::fuzz
