/// Grant tables of two guests that grant to each other: entries, mappings, copies, versions, one operation after the
/// other, and what is compared.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conformance/guest/grant_neighbours.hpp"
#include "conformance/model/grant_model.hpp"
#include "fuzz/sequence/families.hpp"

namespace assay::fuzz {

class GrantsPlay : public Play {
 public:
  static constexpr size_t kGuests = 2;

  enum Kind : uint8_t { kPermit, kRevoke, kMap, kUnmap, kCopy, kWrite, kPoke, kSwap, kSetVersion, kQuery };
  static constexpr std::array<OperationKind, 10> kOperations{{{"permit", 16, 3},
                                                              {"revoke", 5, 1},
                                                              {"map", 20, 3},
                                                              {"unmap", 14, 2},
                                                              {"copy", 14, 3},
                                                              {"write", 5, 2},
                                                              {"poke", 4, 2},
                                                              {"swap", 4, 2},
                                                              {"set_version", 2, 1},
                                                              {"query", 1, 1}}};

  /// What a generated case begins with.
  static std::string prologue();

  GrantsPlay(CaseContext& context, Journal& journal)
      : journal_(journal), is_pv_(context.guest_type() == GuestType::kPv64) {
    guests_.reserve(kGuests);
    for (Domain* const domain : {&context.guest(), &context.peer()}) {
      guests_.emplace_back(context, domain->vcpu(0));
      model_.add_domain(domain->id().raw(), kRefsPerFrameV1, kPages);
    }
  }

  void step(Operation& operation) override {
    actor_ = operation.actor;
    auto& arg = operation.arg;
    switch (static_cast<Kind>(operation.kind)) {
      case kPermit:
        return permit(arg);
      case kRevoke:
        return revoke(writable_ref(arg[0]));
      case kMap:
        return map(arg);
      case kUnmap:
        return unmap(arg);
      case kCopy:
        return copy_word(arg);
      case kWrite:
        return write(arg[0] % kPages, arg[1]);
      case kPoke:
        return poke(arg);
      case kSwap:
        return swap(kRefs[arg[0] % kRefs.size()], kRefs[arg[1] % kRefs.size()]);
      case kSetVersion:
        return set_version(arg[0]);
      case kQuery:
        break;
    }
    query();
  }

  [[nodiscard]] std::unique_ptr<Play> clone() const override { return std::make_unique<GrantsPlay>(*this); }

  void compare_all() override {
    for (size_t guest = 0; guest < kGuests; ++guest) {
      compare_version(guest);
      for (uint32_t i = 0; i < kWritableRefs; ++i) compare_bits(guest, kRefs[i]);
      for (uint32_t page = 0; page < kPages; ++page) compare_page(guest, page);
      for (uint32_t window = 0; window <= kWindows; ++window) compare_window(guest, window);
    }
  }

 protected:
  using GrantModel = model::GrantModel;
  static constexpr uint32_t kPages = GrantNeighbour::kPages, kWindows = GrantNeighbour::kWindows;
  static constexpr uint16_t kAbsent = 0x7a00;

  /// Reserved ones, ordinary ones, the last of a frame of either version, and some beyond.
  static constexpr std::array<uint32_t, 14> kRefs{8, 9, 10, 11, 8, 9, 10, 6, 7, 255, 256, 511, 512, UINT32_MAX};
  /// Of them, those that a granter can write an entry of whatever the version.
  static constexpr uint32_t kWritableRefs = 10;

  [[nodiscard]] GrantNeighbour& self() { return guests_[actor_]; }
  [[nodiscard]] uint16_t id() const { return id_of(actor_); }
  [[nodiscard]] uint16_t id_of(size_t guest) const { return guests_[guest].id().raw(); }
  [[nodiscard]] GrantModel::Domain& state() { return model_.domain(id()); }
  [[nodiscard]] std::string name() const { return name_of(actor_); }
  [[nodiscard]] static std::string name_of(size_t guest) { return guest == 0 ? "ours" : "theirs"; }
  [[nodiscard]] std::string name_of_domain(uint16_t dom) const {
    if (dom == id_of(0)) return "c.guest().id()";
    return dom == id_of(1) ? "c.peer().id()" : fmt::format("DomId{{{}}}", dom);
  }
  static uint32_t writable_ref(uint16_t choice) { return kRefs[choice % kWritableRefs]; }

  /// Whom a grant is of, or for. A PVH guest that maps its own page loses it: none does.
  [[nodiscard]] uint16_t domain_of(uint16_t choice) const {
    constexpr uint16_t kOf = 16;
    if (choice % kOf == kOf - 1) return kAbsent;
    return choice % kOf >= kOf - 3 && is_pv_ ? id() : id_of(1 - actor_);
  }

  // Entries, as their granter writes them.
  void permit(const std::array<uint16_t, 3>& arg) {
    const uint32_t ref = writable_ref(arg[0]);
    if (state().entries[ref].is_pinned()) return;  // what must not be written
    const uint16_t to = domain_of(arg[1]);
    constexpr uint16_t kNoFrame = 16;
    const bool is_readonly = arg[2] / kNoFrame % 2 != 0;
    const bool is_nowhere = arg[2] % kNoFrame == kNoFrame - 1;
    const uint32_t page = arg[2] % kPages;
    const std::string flags = is_readonly ? "GTF_readonly" : "0";
    const Gfn frame = is_nowhere ? Gfn{kNowhere} : self().frame(page);
    model_.permit(id(), ref, to, is_nowhere ? GrantModel::kNoPage : page, is_readonly);
    self().table.permit(GrantRef{ref}, DomId{to}, frame, is_readonly ? GTF_readonly : 0);
    journal_.did([&] {
      const std::string what = is_nowhere ? fmt::format("Gfn{{{:#x}}}", kNowhere) : frame_name(page);
      return fmt::format("{}.table.permit(GrantRef{{{}}}, {}, {}, {});", name(), ref, name_of_domain(to), what, flags);
    });
  }
  [[nodiscard]] std::string frame_name(uint32_t page) const { return fmt::format("{}.frame({})", name(), page); }

  void revoke(uint32_t ref) {
    model_.revoke(id(), ref);
    self().table.revoke(GrantRef{ref});
    journal_.did([&] { return fmt::format("{}.table.revoke(GrantRef{{{}}});", name(), ref); });
    compare_bits(actor_, ref);
  }

  void map(std::array<uint16_t, 3>& arg) {
    const uint32_t window = free_window(actor_);
    if (window == kWindows) return unmap(arg);
    const uint16_t dom = domain_of(arg[0]);
    const uint32_t ref = ref_of(dom, arg[1]);
    const bool is_readonly = arg[2] % 2 != 0;
    const auto expected = model_.map(id(), dom, ref, window, is_readonly);
    const uint32_t flags = GNTMAP_host_map | (is_readonly ? GNTMAP_readonly : 0);
    const auto actual = self().ops.map({self().window(window).host_addr, GrantRef{ref}, DomId{dom}, flags});
    const uint64_t n = journal_.steps();
    journal_.did([&] {
      return fmt::format("const auto map{} = {}.ops.map({{{}.window({}).host_addr, GrantRef{{{}}}, {}, {}}});", n,
                         name(), name(), window, ref, name_of_domain(dom),
                         is_readonly ? "GNTMAP_host_map | GNTMAP_readonly" : "GNTMAP_host_map");
    });
    journal_.answered(actual.result, 0, [&] { return fmt::format("map{}.result", n); });
    journal_.answered(actual.arg.status, expected.status, [&] { return fmt::format("map{}.arg.status", n); });
    if (journal_.failed() || expected.status != GNTST_okay) return;
    handles_[actor_][expected.mapping] = {actual.arg.handle, fmt::format("map{}.arg.handle", n)};
    compare_grant(dom, ref);
    compare_window(actor_, window);
  }
  /// A reference that `dom` has granted to the caller, for most choices.
  uint32_t ref_of(uint16_t dom, uint16_t& choice) {
    constexpr uint16_t kSometimes = 5;
    if (choice < kLiteral && model_.exists(dom) && choice % kSometimes != 0) {
      const std::vector<uint16_t> granted = granted_refs(dom, id());
      if (!granted.empty()) choice = literal(granted[choice / kSometimes % granted.size()]);
    }
    return kRefs[choice % kLiteral % kRefs.size()];
  }
  /// As numbers into kRefs.
  [[nodiscard]] std::vector<uint16_t> granted_refs(uint16_t by, uint16_t to) const {
    std::vector<uint16_t> granted;
    const auto& entries = model_.domain(by).entries;
    for (uint16_t i = 0; i < kWritableRefs; ++i) {
      const auto found = entries.find(kRefs[i]);
      if (found != entries.end() && found->second.to == to && found->second.type != 0) granted.push_back(i);
    }
    return granted;
  }
  /// Another one than `taken`; kWindows when there is none.
  [[nodiscard]] uint32_t free_window(size_t guest, uint32_t taken = kWindows) const {
    std::array<bool, kWindows + 1> is_taken{};
    is_taken[taken] = true;
    for (const auto& [number, mapping] : model_.domain(id_of(guest)).mappings) is_taken[mapping.window] = true;
    return static_cast<uint32_t>(std::find(is_taken.begin(), is_taken.end() - 1, false) - is_taken.begin());
  }

  /// The handles that the caller ever got, the present ones more often; and how it says where the mapping is.
  void unmap(std::array<uint16_t, 3>& arg) {
    constexpr uint16_t kWays = 8;
    auto& handles = handles_[actor_];
    if (handles.empty()) return;
    const uint32_t number = mapping_of(arg[0]);
    const auto& [handle, handle_name] = handles.at(number);
    const auto found = state().mappings.find(number);
    const bool is_there = found != state().mappings.end();
    // A handle that is free again may be another mapping's by now.
    if (!is_there && is_in_use(handle)) return;
    const uint32_t right = is_there ? found->second.window : 0;
    const GrantModel::Mapping gone = is_there ? found->second : GrantModel::Mapping{};
    std::optional<uint32_t> window = right;
    if (arg[1] % kWays == kWays - 1) window = kWindows;
    if (arg[1] % kWays == kWays - 2) window.reset();
    const int16_t expected = model_.unmap(id(), number, window);
    const auto actual = self().ops.unmap(handle, window ? self().window(*window).host_addr : 0);
    called(actual.result);
    journal_.answered(actual.arg.status, expected, [&] {
      const std::string at = window ? fmt::format("{}.window({}).host_addr", name(), *window) : "0";
      return fmt::format("{}.ops.unmap({}, {}).arg.status", name(), handle_name, at);
    });
    compare_window(actor_, right);
    if (is_there) compare_grant(gone.granter, gone.ref);
  }
  uint32_t mapping_of(uint16_t& choice) {
    const auto& handles = handles_[actor_];
    const auto& present = state().mappings;
    constexpr uint16_t kSeldom = 8;
    if (choice < kLiteral) {
      const bool is_any = present.empty() || choice % kSeldom == 0;
      const auto pick = [&](const auto& of) {
        return std::next(of.begin(), static_cast<ptrdiff_t>(choice / kSeldom % of.size()))->first;
      };
      choice = literal(is_any ? pick(handles) : pick(present));
    }
    const uint32_t number = choice % kLiteral;
    return handles.contains(number) ? number : handles.begin()->first;
  }
  bool is_in_use(grant_handle_t handle) {
    return std::ranges::any_of(state().mappings,
                               [&](const auto& one) { return handles_[actor_].at(one.first).handle == handle; });
  }

  void copy_word(std::array<uint16_t, 3>& arg) {
    const GrantModel::Side from = side_of(arg[0], arg[2]), to = side_of(arg[1], arg[2] / 16);
    const int16_t expected = model_.copy(id(), from, to);
    const auto actual = self().ops.copy(copy_request(request(actor_, from), request(actor_, to), sizeof(uint64_t)));
    called(actual.result);
    journal_.answered(actual.arg.status, expected, [&] {
      return fmt::format("{}.ops.copy(copy_request({}, {}, 8)).arg.status", name(), side_name(actor_, from),
                         side_name(actor_, to));
    });
    for (const auto& side : {from, to}) {
      if (side.is_ref) compare_grant(side.dom, side.number);
    }
    if (!to.is_ref) return compare_page(actor_, to.number);
    for (uint32_t page = 0; page < kPages; ++page) {
      if (model_.exists(to.dom)) compare_page(index_of(to.dom), page);
    }
  }
  GrantModel::Side side_of(uint16_t& choice, uint16_t word) {
    constexpr uint16_t kSides = 4;
    const uint32_t at = word % GrantModel::kWords;
    if (choice % kSides == 0) return {false, 0, choice / kSides % kPages, at};
    const uint16_t dom = domain_of(choice / kSides);
    uint16_t ref = choice / kSides / kSides;
    return {true, dom, ref_of_copy(dom, ref), at};
  }
  /// As ref_of, without a place of its own for a literal.
  uint32_t ref_of_copy(uint16_t dom, uint16_t choice) {
    constexpr uint16_t kSometimes = 5;
    if (choice % kSometimes == 0 || !model_.exists(dom)) return kRefs[choice / kSometimes % kRefs.size()];
    return kRefs[choice / kSometimes % kWritableRefs];
  }
  CopySide request(size_t guest, const GrantModel::Side& side) const {
    const uint16_t offset = GrantNeighbour::kWordAt.at(side.word);
    if (side.is_ref) return by_ref(GrantRef{side.number}, DomId{side.dom}, offset);
    return by_frame(guests_[guest].frame(side.number), offset);
  }
  [[nodiscard]] std::string side_name(size_t guest, const GrantModel::Side& side) const {
    const uint16_t offset = GrantNeighbour::kWordAt.at(side.word);
    if (!side.is_ref) return fmt::format("by_frame({}.frame({}), {})", name_of(guest), side.number, offset);
    return fmt::format("by_ref(GrantRef{{{}}}, {}, {})", side.number, name_of_domain(side.dom), offset);
  }

  void write(uint32_t page, uint16_t choice) {
    const uint32_t word = choice % GrantModel::kWords;
    const uint64_t value = ++last_value_;
    state().pages[page][word] = value;
    journal_.answered(self().write(page, word, value), true,
                      [&] { return fmt::format("{}.write({}, {}, {})", name(), page, word, value); });
    for (uint32_t window = 0; window < kWindows; ++window) {
      compare_window(0, window);
      compare_window(1, window);
    }
  }
  /// Through a mapping that may be written.
  void poke(const std::array<uint16_t, 3>& arg) {
    const uint32_t word = arg[1] % GrantModel::kWords;
    const uint32_t window = arg[0] % kWindows;
    const auto found = std::ranges::find_if(
        state().mappings, [&](const auto& one) { return one.second.window == window && !one.second.is_readonly; });
    if (found == state().mappings.end()) return write(arg[0] % kPages, arg[1]);
    const GrantModel::Mapping& mapping = found->second;
    const uint64_t value = ++last_value_;
    model_.domain(mapping.granter).pages[mapping.page][word] = value;
    journal_.answered(self().write_in_window(window, word, value), true,
                      [&] { return fmt::format("{}.write_in_window({}, {}, {})", name(), window, word, value); });
    compare_page(index_of(mapping.granter), mapping.page);
  }

  void swap(uint32_t a, uint32_t b) {
    const int16_t expected = model_.swap(id(), a, b);
    const auto actual = self().ops.swap(GrantRef{a}, GrantRef{b});
    called(actual.result);
    journal_.answered(actual.arg.status, expected, [&] {
      return fmt::format("{}.ops.swap(GrantRef{{{}}}, GrantRef{{{}}}).arg.status", name(), a, b);
    });
    compare_grant(id(), a);
    compare_grant(id(), b);
  }

  void set_version(uint16_t choice) {
    constexpr std::array<uint32_t, 6> kVersions{1, 2, 1, 2, 0, 3};
    const uint32_t version = kVersions[choice % kVersions.size()];
    const uint32_t before = state().version;
    const int64_t expected = model_.set_version(id(), version);
    if (state().version == before) {
      const auto actual = self().ops.set_version(version);
      journal_.answered(actual.result, expected,
                        [&] { return fmt::format("{}.ops.set_version({}).result", name(), version); });
    } else {
      self().table.switch_to(version);  // by itself checks that it succeeds
      journal_.did([&] { return fmt::format("{}.table.switch_to({});", name(), version); });
    }
    query();
    for (uint32_t i = 0; i < kWritableRefs; ++i) compare_bits(actor_, kRefs[i]);
  }
  void query() { compare_version(actor_); }
  void compare_version(size_t guest) {
    journal_.seen(guests_[guest].version(), model_.domain(id_of(guest)).version,
                  [&] { return name_of(guest) + ".version()"; });
  }

  [[nodiscard]] size_t index_of(uint16_t dom) const { return dom == id_of(0) ? 0 : 1; }
  /// The bits of one entry, where there is such an entry.
  void compare_grant(uint16_t dom, uint32_t ref) {
    if (model_.exists(dom)) compare_bits(index_of(dom), ref);
  }
  void compare_bits(size_t guest, uint32_t ref) {
    const auto& domain = model_.domain(id_of(guest));
    if (ref >= domain.refs_now()) return;
    journal_.seen(guests_[guest].in_use(GrantRef{ref}), use_bits(domain, ref),
                  [&] { return fmt::format("{}.in_use(GrantRef{{{}}})", name_of(guest), ref); });
  }
  static uint16_t use_bits(const GrantModel::Domain& domain, uint32_t ref) {
    const auto found = domain.entries.find(ref);
    const GrantModel::Entry entry = found == domain.entries.end() ? GrantModel::Entry{} : found->second;
    return (entry.is_reading ? GTF_reading : 0) | (entry.is_writing ? GTF_writing : 0);
  }
  void compare_page(size_t guest, uint32_t page) {
    for (uint32_t word = 0; word < GrantModel::kWords; ++word) {
      journal_.seen(guests_[guest].word(page, word), model_.domain(id_of(guest)).pages[page][word],
                    [&] { return fmt::format("{}.word({}, {})", name_of(guest), page, word); });
    }
  }
  void compare_window(size_t guest, uint32_t window) {
    for (uint32_t word = 0; word < GrantModel::kWords; ++word) {
      journal_.seen(guests_[guest].word_in_window(window, word), word_behind(model_, guest, window, word),
                    [&] { return fmt::format("{}.word_in_window({}, {})", name_of(guest), window, word); });
    }
  }
  [[nodiscard]] uint64_t word_behind(const GrantModel& model, size_t guest, uint32_t window, uint32_t word) const {
    const auto& mappings = model.domain(id_of(guest)).mappings;
    const auto found = std::ranges::find_if(mappings, [&](const auto& one) { return one.second.window == window; });
    if (found == mappings.end()) return ~uint64_t{0};
    return model.domain(found->second.granter).pages[found->second.page][word];
  }

  /// The result of a call whose status tells more.
  void called(int64_t result) {
    journal_.seen(result, 0, [] { return std::string("the call"); });
  }

  static constexpr uint64_t kNowhere = 0xfffff0;  ///< a frame where no machine of ours has memory
  struct Handle {
    grant_handle_t handle;
    std::string name;  ///< in a generated case
  };

  Journal& journal_;
  bool is_pv_;
  GrantModel model_;
  std::vector<GrantNeighbour> guests_;
  std::array<std::map<uint32_t, Handle>, kGuests> handles_;  ///< by the model's number of the mapping
  uint64_t last_value_ = 0;
  size_t actor_ = 0;
};

}  // namespace assay::fuzz
