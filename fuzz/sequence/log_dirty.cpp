// Pages of a domain that is tracked: written by it, by the hypervisor and by another domain, while a toolstack asks
// which of them are dirty.
#include <array>
#include <bit>

#include "conformance/guest/errno.hpp"
#include "conformance/guest/tracked_pages.hpp"
#include "conformance/model/log_dirty_model.hpp"
#include "fuzz/sequence/families.hpp"

namespace assay::fuzz {
namespace {

using model::LogDirtyModel;
using Ask = LogDirtyModel::Ask;
using Bit = LogDirtyModel::Bit;

constexpr uint32_t kPages = TrackedPages::kPages;

enum Kind : uint8_t {
  kEnable,
  kOff,
  kPeek,
  kClean,
  kBegin,
  kGoOn,
  kWrite,
  kRead,
  kAsk,
  kCopyInto,
  kCopyFrom,
  kMap,
  kPoke,
  kUnmap,
  kDecrease,
  kPopulate,
};

constexpr std::array<OperationKind, 16> kKinds{{{"enable", 8, 0},
                                                {"off", 2, 0},
                                                {"peek", 12, 1},
                                                {"clean", 10, 1},
                                                {"begin", 6, 1},
                                                {"go_on", 4, 1},
                                                {"write", 16, 1},
                                                {"read", 4, 1},
                                                {"ask", 6, 1},
                                                {"copy_into", 8, 1},
                                                {"copy_from", 3, 1},
                                                {"map", 6, 2},
                                                {"poke", 4, 1},
                                                {"unmap", 5, 1},
                                                {"decrease", 3, 1},
                                                {"populate", 4, 1}}};

class LogDirtyPlay : public Play {
 public:
  LogDirtyPlay(CaseContext& context, Journal& journal) : journal_(journal), pages_(context), model_(kPages) {
    for (uint32_t i = 0; i < kPages; ++i) write(i);
  }

  void step(Operation& operation) override {
    const auto& arg = operation.arg;
    switch (static_cast<Kind>(operation.kind)) {
      case kEnable:
        return answered(pages_.ops.enable(), model_.enable(), [] { return "ops.enable()"; });
      case kOff:
        return answered(pages_.ops.off(), model_.off(), [] { return "ops.off()"; });
      case kPeek:
        return ask_for(Ask::kPeek, bits_of(arg[0]));
      case kClean:
        // A CLEAN of fewer bits than the domain has pages promises nothing of the others.
        return ask_for(Ask::kClean, TrackedPages::kAllBits);
      case kBegin:
        return begin(arg[0] % 2 == 0 ? Ask::kPeek : Ask::kClean);
      case kGoOn:
        return arg[0] % 4 == 3 ? go_on_as_another() : go_on();
      default:
        act(static_cast<Kind>(operation.kind), arg[0] % kPages, arg[1]);
    }
  }

  void compare_all() override {
    if (model_.under_way()) go_on();
    ask_for(Ask::kPeek, TrackedPages::kAllBits);
    for (uint32_t page = 0; page < kPages; ++page) compare_word(page);
  }

  [[nodiscard]] std::unique_ptr<Play> clone() const override { return std::make_unique<LogDirtyPlay>(*this); }

 private:
  /// Up to the last page of ours, or all that a page of bits has.
  [[nodiscard]] uint64_t bits_of(uint16_t choice) const {
    const uint32_t page = choice % (2 * kPages);
    return page < kPages ? pages_.pfn(page).raw() + 1 : TrackedPages::kAllBits;
  }
  static uint32_t number_of(Ask ask) {
    return ask == Ask::kPeek ? XEN_DOMCTL_SHADOW_OP_PEEK : XEN_DOMCTL_SHADOW_OP_CLEAN;
  }
  static std::string_view name_of(Ask ask) {
    return ask == Ask::kPeek ? "XEN_DOMCTL_SHADOW_OP_PEEK" : "XEN_DOMCTL_SHADOW_OP_CLEAN";
  }

  // The toolstack.
  void ask_for(Ask ask, uint64_t bits) {
    const int64_t expected = model_.asks();
    const DirtyPages got = ask == Ask::kPeek ? pages_.ops.peek(bits) : pages_.ops.clean(bits);
    const std::string name = fmt::format("got{}", ++answers_);
    journal_.did([&] {
      return fmt::format("const DirtyPages {} = pages.ops.{}({});", name, ask == Ask::kPeek ? "peek" : "clean", bits);
    });
    journal_.answered(got.result, expected, [&] { return name + ".result"; });
    if (expected != 0) return journal_.seen(got.bitmap[0], kUntouchedByte, [&] { return name + ".bitmap[0]"; });
    compare(got, model_.pages(), bits, name);
    if (model_.is_counted() && bits == TrackedPages::kAllBits) compare_count(got, name);
    if (ask == Ask::kClean) model_.cleaned();
  }
  void begin(Ask ask) {
    if (model_.under_way()) return go_on();
    answered(pages_.begin(number_of(ask)), true, [&] { return fmt::format("begin({})", name_of(ask)); });
    handed_out_ = model_.pages();
    model_.preempted(ask);
  }
  void go_on() {
    if (handed_out_.empty()) return begin(Ask::kPeek);  // nothing was ever begun that could go on
    const int64_t expected = model_.continued();
    const DirtyPages got = pages_.go_on();
    const std::string name = fmt::format("got{}", ++answers_);
    journal_.did([&] { return fmt::format("const DirtyPages {} = pages.go_on();", name); });
    journal_.answered(got.result, expected, [&] { return name + ".result"; });
    if (expected == 0) compare(got, handed_out_, TrackedPages::kManyBits, name);
  }

  void go_on_as_another() {
    if (!model_.under_way()) return go_on();
    const Ask another = *model_.under_way() == Ask::kPeek ? Ask::kClean : Ask::kPeek;
    answered(pages_.go_on_as(number_of(another)), int64_t{-XEN_EBUSY},
             [&] { return fmt::format("go_on_as({})", name_of(another)); });
  }

  // Guests.
  void act(Kind kind, uint32_t page, uint16_t choice) {
    const LogDirtyModel::Page& state = model_.page(page);
    switch (kind) {
      case kCopyInto:
      case kCopyFrom:
        return state.has_memory ? copy(page, kind == kCopyInto) : populate(page);
      case kMap:
      case kPoke:
      case kUnmap:
        return state.has_memory ? change_mapping(kind, page, choice) : populate(page);
      default:
        break;
    }
    if (model_.under_way()) return go_on();  // the guest stands still
    if (!state.has_memory) return populate(page);
    if (kind == kAsk) return ask(page);
    if (kind == kRead) return compare_word(page);
    if (kind == kDecrease && state.mapping == LogDirtyModel::Mapping::kNone) return decrease(page);
    write(page);
  }
  void write(uint32_t page) {
    pages_.write(page, ++last_value_);
    model_.written(page, last_value_);
    journal_.did([&] { return fmt::format("pages.write({}, {});", page, last_value_); });
  }
  void ask(uint32_t page) {
    answered(pages_.ask(page), 0, [&] { return fmt::format("ask({})", page); });
    model_.written(page, std::nullopt);
  }
  void copy(uint32_t page, bool is_into) {
    if (!is_into) return answered(pages_.copy_from(page), 0, [&] { return fmt::format("copy_from({})", page); });
    answered(pages_.copy_into(page, ++last_value_), 0,
             [&] { return fmt::format("copy_into({}, {})", page, last_value_); });
    model_.written(page, last_value_);
  }
  void change_mapping(Kind kind, uint32_t page, uint16_t choice) {
    const LogDirtyModel::Mapping mapping = model_.page(page).mapping;
    if (mapping == LogDirtyModel::Mapping::kNone) {
      const bool is_readonly = choice % 3 == 0;
      answered(pages_.map(page, is_readonly), 0, [&] { return fmt::format("map({}, {})", page, is_readonly); });
      model_.mapped(page, is_readonly);
    } else if (kind == kPoke && mapping == LogDirtyModel::Mapping::kWritable) {
      pages_.poke(page, ++last_value_);
      model_.poked(page, last_value_);
      journal_.did([&] { return fmt::format("pages.poke({}, {});", page, last_value_); });
    } else {
      answered(pages_.unmap(page), 0, [&] { return fmt::format("unmap({})", page); });
      model_.unmapped(page);
    }
  }
  void decrease(uint32_t page) {
    answered(pages_.decrease(page), 1, [&] { return fmt::format("decrease({})", page); });
    model_.given_back(page);
  }
  void populate(uint32_t page) {
    if (model_.under_way()) return go_on();
    answered(pages_.populate(page), 1, [&] { return fmt::format("populate({})", page); });
    model_.populated(page);
  }

  // What is seen.
  void compare(const DirtyPages& got, const std::vector<LogDirtyModel::Page>& expected, uint64_t bits,
               const std::string& name) {
    journal_.seen(got.pages, bits, [&] { return name + ".pages"; });
    for (uint32_t i = 0; i < kPages; ++i) {
      const Pfn pfn = pages_.pfn(i);
      // Of what is not there nobody says anything, either.
      if (!expected[i].has_memory || expected[i].bit == Bit::kEither || pfn.raw() >= bits) continue;
      journal_.seen(got.has(pfn), expected[i].bit == Bit::kDirty,
                    [&] { return fmt::format("{}.has(pages.pfn({}))", name, i); });
    }
    const uint64_t behind = (bits + 7) / 8;
    if (behind >= got.bitmap.size()) return;
    journal_.seen(got.bitmap[behind], kUntouchedByte, [&] { return fmt::format("{}.bitmap[{}]", name, behind); });
  }
  void compare_count(const DirtyPages& got, const std::string& name) {
    int64_t set = 0;
    for (const uint8_t byte : got.bitmap) set += std::popcount(byte);
    journal_.seen_as(0, got.stats.dirty_count == set, fmt::to_string(set), fmt::to_string(got.stats.dirty_count),
                     [&] { return name + ".stats.dirty_count"; });
  }
  void compare_word(uint32_t page) {
    const LogDirtyModel::Page& state = model_.page(page);
    if (!state.has_memory || !state.word || model_.under_way()) return;
    journal_.seen(pages_.word(page), *state.word, [&] { return fmt::format("pages.word({})", page); });
  }
  template <typename A, typename B, typename Make>
  void answered(const A& actual, const B& expected, Make call) {
    journal_.answered(actual, expected, [&] { return fmt::format("pages.{}", call()); });
  }

  Journal& journal_;
  TrackedPages pages_;
  LogDirtyModel model_;
  std::vector<LogDirtyModel::Page> handed_out_;  ///< by what was begun last
  uint64_t last_value_ = 0;
  uint64_t answers_ = 0;  ///< with a bitmap; each has a name in a generated case
};

}  // namespace

const Family& log_dirty_family() {
  static const Family family{
      .name = "log_dirty",
      .kinds = kKinds,
      .actors = 1,
      .spec = {.slug = "property.log_dirty",
               .rule = "What a toolstack is told of a tracked domain's pages is what was written, at every moment.",
               .source = "public/domctl.h, XEN_DOMCTL_shadow_op",
               .guests = GuestTypes::kPvh,
               .needs = {Capability::kDom0, Capability::kTwoGuests}},
      .includes = {"conformance/guest/errno.hpp", "conformance/guest/tracked_pages.hpp"},
      .prologue = "TrackedPages pages(c);\n",
      .begin = begin_play<LogDirtyPlay>};
  return family;
}

}  // namespace assay::fuzz
