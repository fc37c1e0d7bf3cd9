/// Memory of one guest that comes and goes: reservations, exchange, the physmap, the limit, one operation after the
/// other.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "conformance/guest/memory_places.hpp"
#include "conformance/model/memory_model.hpp"
#include "fuzz/sequence/families.hpp"

namespace assay::fuzz {

class MemoryPlay : public Play {
 public:
  enum Kind : uint8_t {
    kPopulate,
    kDecrease,
    kIncrease,
    kExchange,
    kRemove,
    kMove,
    kShowGrantFrame,
    kWrite,
    kSetLimit
  };
  static constexpr std::array<OperationKind, 9> kOperations{{{"populate", 20, 2},
                                                             {"decrease", 16, 2},
                                                             {"increase", 1, 1},
                                                             {"exchange", 6, 2},
                                                             {"remove", 2, 1},
                                                             {"move", 8, 2},
                                                             {"show_grant_frame", 6, 2},
                                                             {"write", 8, 1},
                                                             {"set_limit", 4, 1}}};

  /// What a generated case begins with.
  static std::string prologue();

  MemoryPlay(CaseContext& context, Journal& journal)
      : journal_(journal),
        is_pv_(context.guest_type() == GuestType::kPv64),
        places_(context),
        model_(kPlaces, static_cast<uint64_t>(places_.reservation())) {
    model_.set_limit(static_cast<uint64_t>(places_.maximum()));
    for (uint32_t i = 0; i < kPlaces; ++i) fill(i);
  }

  void step(Operation& operation) override {
    const auto& arg = operation.arg;
    switch (static_cast<Kind>(operation.kind)) {
      case kPopulate:
        return populate(list_of(arg));
      case kDecrease:
        return decrease(list_of(arg));
      case kIncrease:
        return increase(arg[0] % 3);
      case kExchange:
        return exchange(list_of(arg));
      case kRemove:
        return remove(arg[0] % kPlaces);
      case kMove:
        return move(arg[0] % kPlaces, arg[1] % kPlaces);
      case kShowGrantFrame:
        return show_grant_frame(1 + arg[0] % kGrantFrames, arg[1] % kPlaces);
      case kWrite:
        return write(arg[0] % kPlaces);
      default:
        break;
    }
    set_limit(arg[0] % 4);
  }

  void compare_all() override {
    for (uint32_t i = 0; i < kPlaces; ++i) compare(i);
    journal_.seen(places_.reservation(), static_cast<int64_t>(model_.pages()), [] { return "places.reservation()"; });
    journal_.seen(places_.maximum(), static_cast<int64_t>(model_.limit()), [] { return "places.maximum()"; });
  }

  [[nodiscard]] std::unique_ptr<Play> clone() const override { return std::make_unique<MemoryPlay>(*this); }

 protected:
  using MemoryModel = model::MemoryModel;
  using PlaceKind = MemoryModel::Place::Kind;
  static constexpr uint32_t kPlaces = MemoryPlaces::kPlaces;
  static constexpr uint32_t kGrantFrames = 3;  ///< the ones after the first, where the toolstack has left entries

  /// One to three different places.
  static std::vector<uint32_t> list_of(const std::array<uint16_t, 3>& arg) {
    std::vector<uint32_t> list{arg[0] % kPlaces};
    constexpr std::array<uint32_t, 8> kMore{0, 0, 0, 1, 1, 1, 2, 2};
    for (uint32_t i = 0; i < kMore[arg[1] % kMore.size()]; ++i) list.push_back((list.back() + 1) % kPlaces);
    return list;
  }
  static std::string name_of(const std::vector<uint32_t>& list) {
    std::string text;
    for (const uint32_t place : list) text += fmt::format("{}{}u", text.empty() ? "" : ", ", place);
    return "std::array{" + text + "}";
  }

  void populate(const std::vector<uint32_t>& list) {
    // A grant frame's place is for the guest to clear first.
    for (const uint32_t place : list) {
      if (model_.place(place).kind == PlaceKind::kGrantFrame) return remove(place);
    }
    const int64_t expected = model_.populate(list);
    answered(places_.populate(list), expected, [&] { return fmt::format("populate({})", name_of(list)); });
    for (size_t i = 0; !journal_.failed() && std::cmp_less(i, expected); ++i) fill(list[i]);
    compare_all();
  }
  void decrease(const std::vector<uint32_t>& list) {
    for (const uint32_t place : list) {
      if (model_.place(place).kind == PlaceKind::kGrantFrame) return remove(place);
    }
    const int64_t expected = model_.decrease(list);
    answered(places_.decrease(list), expected, [&] { return fmt::format("decrease({})", name_of(list)); });
    compare_all();
  }
  void increase(uint64_t count) {
    const int64_t expected = model_.increase(count);
    answered(places_.increase(count), expected, [&] { return fmt::format("increase({})", count); });
    compare_all();
  }
  void exchange(const std::vector<uint32_t>& list) {
    if (!is_pv_) return decrease(list);
    uint64_t done = 0;
    while (done < list.size() && model_.place(list[done]).kind == PlaceKind::kRam) ++done;
    const ExchangeResult actual = places_.exchange(list);
    const uint64_t n = journal_.steps();
    journal_.did([&] { return fmt::format("const auto exchange{} = places.exchange({});", n, name_of(list)); });
    const int64_t expected = done == list.size() ? 0 : -XEN_EINVAL;
    journal_.answered(actual.result, expected, [&] { return fmt::format("exchange{}.result", n); });
    journal_.answered(actual.done, done, [&] { return fmt::format("exchange{}.done", n); });
    for (size_t i = 0; !journal_.failed() && i < done; ++i) fill(list[i]);
    compare_all();
  }
  void remove(uint32_t place) {
    if (is_pv_) {
      const std::array list{place};
      return decrease({list.begin(), list.end()});
    }
    const int64_t expected = model_.remove_from_physmap(place);
    answered(places_.remove_from_physmap(place), expected,
             [&] { return fmt::format("remove_from_physmap({})", place); });
    compare_all();
  }
  void move(uint32_t from, uint32_t to) {
    if (is_pv_ || from == to) return write(from);
    if (model_.place(from).kind == PlaceKind::kGrantFrame) return remove(from);
    const int64_t expected = model_.move(from, to);
    answered(places_.move(from, to), expected, [&] { return fmt::format("move({}, {})", from, to); });
    compare_all();
  }
  void show_grant_frame(uint32_t index, uint32_t place) {
    if (is_pv_) return write(place);
    const int64_t expected = model_.show_grant_frame(index, place);
    answered(places_.show_grant_frame(index, place), expected,
             [&] { return fmt::format("show_grant_frame({}, {})", index, place); });
    compare_all();
  }
  void write(uint32_t place) {
    if (model_.place(place).kind == PlaceKind::kRam) return fill(place);
    compare(place);
  }
  void set_limit(uint64_t above) {
    model_.set_limit(model_.pages() + above);
    answered(places_.set_limit(model_.limit()), int64_t{0},
             [&] { return fmt::format("set_limit({})", model_.limit()); });
    compare_all();
  }

  /// What new memory holds is nobody's promise: the guest writes it first.
  void fill(uint32_t place) {
    const uint64_t value = ++last_value_;
    model_.place(place).word = value;
    answered(places_.write(place, value), true, [&] { return fmt::format("write({}, {})", place, value); });
    compare(place);
  }
  void compare(uint32_t place) {
    const MemoryModel::Place& expected = model_.place(place);
    const uint64_t word = expected.kind == PlaceKind::kEmpty ? kNothing : expected.word;
    journal_.seen(places_.word(place), word, [&] { return fmt::format("places.word({})", place); });
  }
  template <typename A, typename B, typename Make>
  void answered(const A& actual, const B& expected, Make call) {
    journal_.answered(actual, expected, [&] { return "places." + call(); });
  }

  static constexpr uint64_t kNothing = ~uint64_t{0};  ///< a word where there is no memory

  Journal& journal_;
  bool is_pv_;
  MemoryPlaces places_;
  MemoryModel model_;
  uint64_t last_value_ = 0;
};

}  // namespace assay::fuzz
