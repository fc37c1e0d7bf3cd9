// Races of grant tables: a granter and a user of its grants, or two vCPUs of one guest, at once.
#include "fuzz/sequence/grants_play.hpp"
#include "fuzz/sequence/race.hpp"

namespace assay::fuzz {
namespace {

using model::GrantModel;
using Racer = RaceTrack::Racer;

constexpr std::string_view kPeer = "c.peer()";

enum Kind : uint8_t { kRace = GrantsPlay::kOperations.size(), kRewrite };

constexpr auto kOperations = [] {
  std::array<OperationKind, GrantsPlay::kOperations.size() + 2> all{};
  std::ranges::copy(GrantsPlay::kOperations, all.begin());
  all[kRace] = {"race", 60, 3};
  all[kRewrite] = {"rewrite", 20, 3};
  return all;
}();

/// One of two operations at once. What its kind has no use for stays as it is.
struct Contender {
  Racer by;
  GrantsPlay::Kind kind = GrantsPlay::kMap;
  uint32_t ref = 0;        ///< kMap: of the other guest; kSwap, kRevoke: its own
  uint32_t other_ref = 0;  ///< kSwap
  bool is_readonly = false;
  uint32_t window = 0;   ///< kMap, kUnmap
  uint32_t mapping = 0;  ///< kUnmap: by the model's number
  GrantModel::Side from, to;
  uint32_t version = 0;
};

class RacesGrantsPlay final : public GrantsPlay {
 public:
  RacesGrantsPlay(CaseContext& context, Journal& journal)
      : GrantsPlay(context, journal), track_(context, context.guest(), context.peer(), kPeer) {}

  void step(Operation& operation) override {
    actor_ = operation.actor;
    if (operation.kind == kRace) return race(operation.arg);
    if (operation.kind == kRewrite) return rewrite(operation.arg);
    GrantsPlay::step(operation);
  }

  [[nodiscard]] std::unique_ptr<Play> clone() const override { return std::make_unique<RacesGrantsPlay>(*this); }

 private:
  static constexpr uint16_t kOtherGuest = 0x100, kMeets = 0x200;  ///< of arg[2], beside the interleaving

  void race(std::array<uint16_t, 3>& arg) {
    const size_t other = (arg[2] & kOtherGuest) != 0 ? 1 - actor_ : actor_;
    Contender first = contender_of({actor_, 0}, arg[0], kWindows);
    if (first.kind == kRevoke) first = map_of(first.by, arg[0], kWindows);
    const uint32_t taken = first.kind == kMap && other == actor_ ? first.window : kWindows;
    Contender second = contender_of({other, other == actor_ ? 1u : 0u}, arg[1], taken);
    // Where an entry is depends on the version.
    if (second.kind == kRevoke && first.kind == kSetVersion && other == actor_) second.kind = kSwap;
    if ((arg[2] & kMeets) != 0) meet(first, second);
    auto outcomes = both_orders(
        model_, [&](GrantModel& model) { return apply(model, first); },
        [&](GrantModel& model) { return apply(model, second); });
    add_outcomes_between(first, second, outcomes);
    if (!can_be_told_apart(outcomes)) return;
    prepare(first);
    prepare(second);
    RaceResults actual{};
    if (second.kind == kRevoke) {
      const Gva entry = guests_[other].table.entry(GrantRef{second.ref});
      actual = track_.race_with_write(
          journal_, interleaving_of(arg[2]), call_of(first), second.by, entry, uint16_t{0},
          [&] { return fmt::format("{}.table.entry(GrantRef{{{}}}), uint16_t{{0}}", name_of(other), second.ref); });
    } else {
      actual = track_.race(journal_, interleaving_of(arg[2]), call_of(first), call_of(second));
    }
    finish(first, "first", actual[0]);
    finish(second, "second", actual[1]);
    settle_race(outcomes, actual, {first, second});
  }

  /// The argument's one word that says which grant, page or mapping is meant is changed under way.
  void rewrite(std::array<uint16_t, 3>& arg) {
    Contender given = contender_of({actor_, 0}, arg[0], kWindows);
    const bool has_word = given.kind == kMap || given.kind == kUnmap || given.kind == kCopy;
    if (!has_word) given = map_of(given.by, arg[0], kWindows);
    const Contender changed = changed_from(given, arg[1]);
    if (given.kind == kUnmap && is_same_page(given.mapping, changed.mapping)) return;
    const auto outcomes = either_argument(
        model_, [&](GrantModel& model) { return apply(model, given); },
        [&](GrantModel& model) { return apply(model, changed); });
    if (!can_be_told_apart(outcomes)) return;
    prepare(given);
    RaceResults actual{};
    if (given.kind == kUnmap) {
      actual = write_meanwhile(arg[2], given, offsetof(gnttab_unmap_grant_ref_t, handle),
                               handles_[actor_].at(changed.mapping).handle, handles_[actor_].at(changed.mapping).name);
    } else if (given.kind == kMap) {
      const uint64_t word = uint64_t{changed.ref} << 32 | flags_of(changed);
      actual = write_meanwhile(arg[2], given, offsetof(gnttab_map_grant_ref_t, flags), word,
                               fmt::format("uint64_t{{{:#x}}}", word));
    } else {
      const uint64_t word = copy_of(changed).source.u.gmfn;
      const std::string name =
          changed.from.is_ref ? fmt::format("uint64_t{{{}}}", word) : frame_name(changed.from.number) + ".raw()";
      actual = write_meanwhile(arg[2], given, offsetof(gnttab_copy_t, source), word, name);
    }
    finish(given, "first", actual[0]);
    settle_race(outcomes, actual, {changed});
  }
  /// Where two handles are of one page, either takes away what is at the address of the other: no model knows that.
  [[nodiscard]] bool is_same_page(uint32_t one, uint32_t other) const {
    const auto& mappings = model_.domain(id_of(actor_)).mappings;
    return mappings.at(one).page == mappings.at(other).page;
  }
  template <typename T>
  RaceResults write_meanwhile(uint16_t choice, const Contender& given, uint64_t offset, T value,
                              const std::string& name) {
    return track_.race_with_write(
        journal_, interleaving_of(choice), call_of(given), {actor_, 1}, track_.argument(given.by) + offset, value,
        [&] { return fmt::format("{} + {}, {}", RaceTrack::argument_name(given.by), offset, name); });
  }
  Contender changed_from(const Contender& given, uint16_t& choice) {
    Contender changed = given;
    constexpr uint16_t kReadonly = 0x10;
    if (given.kind == kMap) {
      changed.ref = granted_ref(given.by, choice);
      changed.is_readonly = (choice & kReadonly) != 0;
    } else if (given.kind == kUnmap) {
      changed.mapping = present_mapping(given.by, choice);
    } else {
      changed.from.number = given.from.is_ref ? kRefs[choice % kRefs.size()] : choice % kPages;
    }
    return changed;
  }

  void settle_race(const RaceOutcomes<GrantModel>& outcomes, const RaceResults& actual,
                   std::initializer_list<Contender> contenders) {
    const auto shown = [this, seen = view()](const GrantModel& model) { return view(model) == seen; };
    const bool is_settled = settle(journal_, model_, outcomes, actual, shown);
    for (const Contender& does : contenders) keep_handle(does);
    if (!is_settled) compare_all();
  }
  /// What comes out besides the two orders, because an operation has more than one step.
  void add_outcomes_between(const Contender& first, const Contender& second, RaceOutcomes<GrantModel>& outcomes) {
    const auto needs_no_pins = [](const Contender& does) { return does.kind == kSwap || does.kind == kSetVersion; };
    // A copy pins what it works on for as long as it takes: GNTST_eagain and EBUSY say so.
    if (first.kind == kCopy && needs_no_pins(second)) add_busy(first, second, outcomes, 0);
    if (second.kind == kCopy && needs_no_pins(first)) add_busy(second, first, outcomes, 1);
    if (first.kind == kCopy && second.kind == kRevoke) add_revoked_between(first, second, outcomes);
    // An unmap takes the mapping away first and gives the handle back in the end: in between, one of a handle that maps
    // for reading has nothing to do, and succeeds.
    const bool are_unmaps = first.kind == kUnmap && second.kind == kUnmap && first.by.domain == second.by.domain;
    if (!are_unmaps || first.mapping != second.mapping) return;
    if (model_.domain(id_of(first.by.domain)).mappings.at(first.mapping).is_readonly) {
      outcomes.push_back({outcomes.front().model, {GNTST_okay, GNTST_okay}});
    }
  }
  /// A copy within one grant pins it twice. A pinned one is asked only whether it is read-only, and once revoked it no
  /// longer says so.
  void add_revoked_between(const Contender& copier, const Contender& revoker,
                           RaceOutcomes<GrantModel>& outcomes) const {
    const auto is_of_it = [&](const GrantModel::Side& side) { return side.is_ref && side.number == revoker.ref; };
    const bool is_within = copier.by.domain != revoker.by.domain && is_of_it(copier.from) && is_of_it(copier.to);
    RaceOutcome<GrantModel> outcome{model_};
    GrantModel::Entry& entry = outcome.model.domain(id_of(revoker.by.domain)).entries[revoker.ref];
    if (!is_within || entry.is_pinned()) return;
    entry.is_readonly = false;
    outcome.results = {apply(outcome.model, copier), apply(outcome.model, revoker)};
    outcomes.push_back(outcome);
  }
  void add_busy(const Contender& copier, const Contender& other, RaceOutcomes<GrantModel>& outcomes, size_t copier_at) {
    RaceOutcome<GrantModel> outcome{model_};
    outcome.results.at(copier_at) = apply(outcome.model, copier);
    outcome.results.at(1 - copier_at) = other.kind == kSwap ? int64_t{GNTST_eagain} : -XEN_EBUSY;
    outcomes.push_back(outcome);
  }

  /// Bits 12 to 14 choose what is done, the others what with.
  Contender contender_of(const Racer& by, uint16_t& choice, uint32_t taken_window) {
    constexpr std::array<GrantsPlay::Kind, 8> kContenders{kMap,  kMap,  kUnmap,      kCopy,
                                                          kCopy, kSwap, kSetVersion, kRevoke};
    constexpr uint16_t kRefBits = 4;
    const auto ref_at = [&](uint16_t bit) { return kRefs[static_cast<uint32_t>(choice >> bit) % 16 % kRefs.size()]; };
    Contender made{.by = by, .kind = kContenders[choice >> 12 & 7], .from = {}, .to = {}};
    switch (made.kind) {
      case kMap:
        return map_of(by, choice, taken_window);
      case kUnmap:
        if (model_.domain(id_of(by.domain)).mappings.empty()) return copy_by(by, choice);
        made.mapping = present_mapping(by, choice);
        made.window = model_.domain(id_of(by.domain)).mappings.at(made.mapping).window;
        return made;
      case kCopy:
        return copy_by(by, choice);
      case kSwap:
        made.ref = ref_at(0);
        made.other_ref = ref_at(kRefBits);
        return made;
      case kSetVersion:
        made.version = 1 + choice % 2;
        return made;
      default:
        made.ref = writable_ref(choice % 16);
        made.other_ref = ref_at(kRefBits);
        return made;
    }
  }
  /// Bits 0 to 3 choose the grant, 4 whether it is mapped for reading. Without a free window it is copied instead.
  Contender map_of(const Racer& by, uint16_t& choice, uint32_t taken_window) {
    constexpr uint16_t kReadonly = 0x10;
    const uint32_t window = free_window(by.domain, taken_window);
    if (window == kWindows) return copy_by(by, choice);
    const uint32_t ref = granted_ref(by, choice);
    return {.by = by,
            .kind = kMap,
            .ref = ref,
            .is_readonly = (choice & kReadonly) != 0,
            .window = window,
            .from = {},
            .to = {}};
  }
  /// One that the other guest has granted, for most choices.
  uint32_t granted_ref(const Racer& by, uint16_t& choice) {
    constexpr uint16_t kRefBits = 16, kSometimes = 0x20;
    if (choice < kLiteral && (choice & kSometimes) == 0) {
      const std::vector<uint16_t> granted = granted_refs(id_of(1 - by.domain), id_of(by.domain));
      if (!granted.empty()) {
        choice = literal(uint32_t{choice} - choice % kRefBits + granted[choice % kRefBits % granted.size()]);
      }
    }
    return kRefs[choice % kRefBits % kRefs.size()];
  }
  /// Bits 0 to 11 choose it. There is one.
  uint32_t present_mapping(const Racer& by, uint16_t& choice) {
    constexpr uint16_t kNumbers = 0x1000;
    const auto& present = model_.domain(id_of(by.domain)).mappings;
    const auto nth = [&](size_t n) { return std::next(present.begin(), static_cast<ptrdiff_t>(n))->first; };
    const uint32_t bits = choice % kNumbers;
    if (choice < kLiteral) choice = literal(uint32_t{choice} - bits + nth(bits % present.size()) % kNumbers);
    const uint32_t number = choice % kNumbers;
    return present.contains(number) ? number : nth(number % present.size());
  }
  Contender copy_by(const Racer& by, uint16_t choice) const {
    const auto side = [&](uint16_t bits, uint32_t word) -> GrantModel::Side {
      const uint32_t number = bits / 2 % 16;
      const bool is_ref = bits % 2 == 0;
      return {is_ref, is_ref ? id_of(1 - by.domain) : uint16_t{0},
              is_ref ? kRefs[number % kRefs.size()] : number % kPages, word};
    };
    const uint32_t word = (choice >> 10) % GrantModel::kWords;
    return {.by = by, .kind = kCopy, .from = side(choice, word), .to = side(choice >> 5, word ^ 1)};
  }

  /// Makes the second one be about the grant that the first one is about.
  void meet(const Contender& first, Contender& second) const {
    const bool is_same_guest = first.by.domain == second.by.domain;
    const uint32_t ref = subject_of(first);
    if (first.kind == kUnmap && second.kind == kUnmap && is_same_guest) {
      second.mapping = first.mapping;
      second.window = first.window;
    }
    if (first.kind == kSetVersion) return;  // all of them
    const auto writable = std::span(kRefs).first(kWritableRefs);
    const bool is_writable = std::ranges::count(writable, ref) != 0;
    if (second.kind == kCopy && second.from.is_ref) second.from.number = ref;
    if (second.kind == kMap || second.kind == kSwap || (second.kind == kRevoke && is_writable)) second.ref = ref;
  }
  [[nodiscard]] uint32_t subject_of(const Contender& does) const {
    if (does.kind == kUnmap) return model_.domain(id_of(does.by.domain)).mappings.at(does.mapping).ref;
    if (does.kind != kCopy) return does.ref;
    return does.from.is_ref || !does.to.is_ref ? does.from.number : does.to.number;
  }

  int64_t apply(GrantModel& model, const Contender& does) const {
    const uint16_t self = id_of(does.by.domain);
    switch (does.kind) {
      case kMap:
        return model.map(self, id_of(1 - does.by.domain), does.ref, does.window, does.is_readonly).status;
      case kUnmap:
        return model.unmap(self, does.mapping, does.window);
      case kCopy:
        return model.copy(self, does.from, does.to);
      case kSwap:
        return model.swap(self, does.ref, does.other_ref);
      case kSetVersion:
        return model.set_version(self, does.version);
      default:
        model.revoke(self, does.ref);
        return 0;
    }
  }
  static RaceTrack::Call call_of(const Contender& does) {
    static const std::map<GrantsPlay::Kind, uint64_t> kCommands{{kMap, GNTTABOP_map_grant_ref},
                                                                {kUnmap, GNTTABOP_unmap_grant_ref},
                                                                {kCopy, GNTTABOP_copy},
                                                                {kSwap, GNTTABOP_swap_grant_ref},
                                                                {kSetVersion, GNTTABOP_set_version}};
    return {does.by, __HYPERVISOR_grant_table_op, kCommands.at(does.kind)};
  }
  static uint32_t flags_of(const Contender& does) { return GNTMAP_host_map | (does.is_readonly ? GNTMAP_readonly : 0); }
  gnttab_copy_t copy_of(const Contender& does) {
    return copy_request(request(does.by.domain, does.from), request(does.by.domain, does.to), sizeof(uint64_t));
  }

  /// Puts the argument in place. The status frames of a table whose version may change must not be mapped.
  void prepare(const Contender& does) {
    GrantNeighbour& guest = guests_[does.by.domain];
    const std::string self = name_of(does.by.domain);
    const auto put = [&](const auto& argument, auto expression) {
      track_.put(journal_, does.by, argument, expression);
    };
    const auto window = [&] { return fmt::format("{}.window({}).host_addr", self, does.window); };
    switch (does.kind) {
      case kMap:
        return put(GrantOps::map_request({guest.window(does.window).host_addr, GrantRef{does.ref},
                                          DomId{id_of(1 - does.by.domain)}, flags_of(does)}),
                   [&] {
                     return fmt::format("GrantOps::map_request({{{}, GrantRef{{{}}}, {}, {}}})", window(), does.ref,
                                        name_of_domain(id_of(1 - does.by.domain)), flags_of(does));
                   });
      case kUnmap: {
        const Handle& handle = handles_[does.by.domain].at(does.mapping);
        return put(GrantOps::unmap_request(handle.handle, guest.window(does.window).host_addr),
                   [&] { return fmt::format("GrantOps::unmap_request({}, {})", handle.name, window()); });
      }
      case kCopy:
        return put(copy_of(does), [&] {
          return fmt::format("copy_request({}, {}, 8)", side_name(does.by.domain, does.from),
                             side_name(does.by.domain, does.to));
        });
      case kSwap:
        return put(gnttab_swap_grant_ref_t{does.ref, does.other_ref, kUntouchedStatus}, [&] {
          return fmt::format("gnttab_swap_grant_ref_t{{{}u, {}u, kUntouchedStatus}}", does.ref, does.other_ref);
        });
      case kSetVersion:
        guest.table.unmap_status();
        journal_.did([&] { return fmt::format("{}.table.unmap_status();", self); });
        return put(gnttab_set_version_t{does.version},
                   [&] { return fmt::format("gnttab_set_version_t{{{}u}}", does.version); });
      default:
        return;
    }
  }

  /// What a contender answers besides the result of the hypercall, which goes into `answer`.
  void finish(const Contender& does, std::string_view variable, int64_t& answer) {
    switch (does.kind) {
      case kMap:
        return take_status<gnttab_map_grant_ref_t>(does, "gnttab_map_grant_ref_t", variable, answer);
      case kUnmap:
        return take_status<gnttab_unmap_grant_ref_t>(does, "gnttab_unmap_grant_ref_t", variable, answer);
      case kCopy:
        return take_status<gnttab_copy_t>(does, "gnttab_copy_t", variable, answer);
      case kSwap:
        return take_status<gnttab_swap_grant_ref_t>(does, "gnttab_swap_grant_ref_t", variable, answer);
      case kSetVersion: {
        GrantNeighbour& guest = guests_[does.by.domain];
        const uint32_t version = guest.version();
        guest.table.switch_to(version);  // for the guest's own idea of it
        return journal_.did([&] {
          const std::string self = name_of(does.by.domain);
          return fmt::format("{}.table.switch_to({}.version());", self, self);
        });
      }
      default:
        return;
    }
  }
  template <typename T>
  void take_status(const Contender& does, std::string_view type, std::string_view variable, int64_t& answer) {
    journal_.answered(answer, 0, [&] { return std::string(variable); });
    answer = track_.vcpu(does.by).read<T>(track_.argument(does.by)).status;
    journal_.did([&] {
      return fmt::format("{} = {}.read<{}>({}).status;", variable, track_.name_of(does.by), type,
                         RaceTrack::argument_name(does.by));
    });
  }
  /// Of a mapping that the model has come to know.
  void keep_handle(const Contender& does) {
    auto& handles = handles_[does.by.domain];
    const auto& mappings = model_.domain(id_of(does.by.domain)).mappings;
    const auto is_new = [&](const auto& one) {
      return one.second.window == does.window && !handles.contains(one.first);
    };
    if (does.kind != kMap) return;
    const auto found = std::ranges::find_if(mappings, is_new);
    if (found == mappings.end()) return;
    const std::string name = fmt::format("handle{}_{}", journal_.steps(), does.by.vcpu);
    handles[found->first] = {track_.vcpu(does.by).read<gnttab_map_grant_ref_t>(track_.argument(does.by)).handle, name};
    journal_.did([&] {
      return fmt::format("[[maybe_unused]] const grant_handle_t {} = {}.read<gnttab_map_grant_ref_t>({}).handle;", name,
                         track_.name_of(does.by), RaceTrack::argument_name(does.by));
    });
  }

  /// What guests see, of the hypervisor and in a model: as long as each other, and in the same order.
  using View = std::vector<uint64_t>;
  [[nodiscard]] View view() {
    View all;
    for (size_t guest = 0; guest < kGuests; ++guest) {
      GrantNeighbour& one = guests_[guest];
      all.push_back(one.version());
      const uint32_t refs = one.table.version() == 1 ? kRefsPerFrameV1 : kRefsPerFrameV2;
      for (const uint32_t ref : kRefs) {
        if (ref >= refs) continue;
        all.push_back(one.in_use(GrantRef{ref}));
        all.push_back(entry_seen(one.table, GrantRef{ref}));
      }
      for (uint32_t word = 0; word < GrantModel::kWords; ++word) {
        for (uint32_t page = 0; page < kPages; ++page) all.push_back(one.word(page, word));
        for (uint32_t window = 0; window < kWindows; ++window) all.push_back(one.word_in_window(window, word));
      }
    }
    return all;
  }
  [[nodiscard]] View view(const GrantModel& model) const {
    View all;
    for (size_t guest = 0; guest < kGuests; ++guest) {
      const auto& domain = model.domain(id_of(guest));
      all.push_back(domain.version);
      for (const uint32_t ref : kRefs) {
        if (ref >= domain.refs_now()) continue;
        all.push_back(use_bits(domain, ref));
        all.push_back(entry_of(domain, guest, ref));
      }
      for (uint32_t word = 0; word < GrantModel::kWords; ++word) {
        for (uint32_t page = 0; page < kPages; ++page) all.push_back(domain.pages[page][word]);
        for (uint32_t window = 0; window < kWindows; ++window) all.push_back(word_behind(model, guest, window, word));
      }
    }
    return all;
  }
  /// Type, read-only, domain and frame of an entry in one word; 0 for one that permits nothing.
  static uint64_t entry_seen(const GrantTable& table, GrantRef ref) {
    const bool is_v1 = table.version() == 1;
    const grant_entry_v2_t wide = is_v1 ? grant_entry_v2_t{} : table.v2(ref);
    const grant_entry_v1_t narrow = is_v1 ? table.v1(ref) : entry_v1(wide.hdr.flags, DomId{wide.hdr.domid}, 0);
    const uint64_t frame = is_v1 ? narrow.frame : wide.full_page.frame;
    return entry_word(narrow.flags, narrow.domid, frame);
  }
  [[nodiscard]] uint64_t entry_of(const GrantModel::Domain& domain, size_t guest, uint32_t ref) const {
    const auto found = domain.entries.find(ref);
    if (found == domain.entries.end()) return 0;
    const GrantModel::Entry& entry = found->second;
    const uint64_t frame = entry.page == GrantModel::kNoPage ? kNowhere : guests_[guest].frame(entry.page).raw();
    return entry_word(static_cast<uint16_t>(entry.type | (entry.is_readonly ? GTF_readonly : 0)), entry.to, frame);
  }
  static uint64_t entry_word(uint16_t flags, uint16_t dom, uint64_t frame) {
    if ((flags & GTF_type_mask) == GTF_invalid) return 0;
    return frame << 32 | uint64_t{dom} << 16 | (flags & (GTF_type_mask | GTF_readonly));
  }

  /// Guests see what the pins of an entry stand for, but not how many there are, nor which of two entries for the same
  /// page a mapping is of. Where outcomes differ in that alone, nobody could tell which one it was.
  [[nodiscard]] bool can_be_told_apart(const RaceOutcomes<GrantModel>& outcomes) const {
    for (size_t i = 1; i < outcomes.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        const auto& [one, ones] = outcomes[i];
        const auto& [other, others] = outcomes[j];
        if (ones == others && hidden(one) != hidden(other) && view(one) == view(other)) return false;
      }
    }
    return true;
  }
  [[nodiscard]] View hidden(const GrantModel& model) const {
    View all;
    for (size_t guest = 0; guest < kGuests; ++guest) {
      const auto& domain = model.domain(id_of(guest));
      for (const auto& [ref, entry] : domain.entries) {
        if (!entry.is_pinned()) continue;
        all.insert(all.end(), {guest, ref, entry.read_pins, entry.write_pins, entry.pinned_by, entry.pinned_page});
      }
      std::array<View, kWindows> behind;
      for (const auto& [number, mapping] : domain.mappings) {
        behind.at(mapping.window) = {mapping.granter, mapping.ref, mapping.page, mapping.is_readonly};
      }
      for (const View& mapping : behind) {
        all.push_back(mapping.size());
        all.insert(all.end(), mapping.begin(), mapping.end());
      }
    }
    return all;
  }

  RaceTrack track_;
};

}  // namespace

const Family& races_grants_family() {
  static const Family family{
      .name = "races_grants",
      .kinds = kOperations,
      .actors = GrantsPlay::kGuests,
      .spec = {.slug = "property.races_grants",
               .rule = "Two operations on grant tables at once come out as in one of the two orders.",
               .source = "public/grant_table.h",
               .needs = {Capability::kTwoGuests, Capability::kSteer},
               .vcpus = RaceTrack::kVcpus,
               .vcpus_online = RaceTrack::kVcpus},
      .includes = {"conformance/guest/grant_neighbours.hpp"},
      .prologue = GrantsPlay::prologue() + RaceTrack::prologue(kPeer),
      .begin = begin_play<RacesGrantsPlay>};
  return family;
}

}  // namespace assay::fuzz
