// Page tables of a PV64 guest, made of a few frames: pins, entries, roots, descriptor tables, memory given back.
#include <fmt/ranges.h>

#include <array>
#include <optional>
#include <vector>

#include "conformance/guest/page_frames.hpp"
#include "conformance/model/page_table_model.hpp"
#include "fuzz/sequence/families.hpp"

namespace assay::fuzz {
namespace {

using model::PageTableModel;
using Mapping = PageTableModel::Mapping;
using Type = PageTableModel::Type;

constexpr uint32_t kFrames = PageFrames::kFrames, kWindow = PageFrames::kWindow;
constexpr uint32_t kNumbers = PageFrames::kNumbers;
constexpr unsigned kRootLevel = 4;
static_assert(PageTableModel::kFrames == kFrames && PageTableModel::kWindow == kWindow);
static_assert(PageTableModel::kTheirs == PageFrames::kTheirs && PageTableModel::kNoMemory == PageFrames::kNoMemory);
static_assert(PageTableModel::kNoFrame == PageFrames::kNoFrame);

/// Words of a frame that are played with: the first and the last, and of a level 4 table the hypervisor's first and
/// last.
constexpr std::array<unsigned, 6> kIndices{0, 1, 2, kXenSlotFirst, kXenSlotLast, kEntries - 1};

/// Present entries by their flags, then words that are none. Descriptors: data of a kernel, and a kind that no guest
/// may have.
constexpr std::array<uint64_t, 17> kWords{kLeafRo,
                                          kLeafRw,
                                          kPtePresent | kPteWritable,
                                          kPtePresent,
                                          kLeafRw | kPteUser,
                                          kLeafRo | kPteNoExecute,
                                          kLeafRw | kPteAvailable,
                                          kLeafRw | kPteCacheDisable,
                                          kBranch,
                                          kLinear,
                                          kBranch & ~kPteAccessed,
                                          kBranch | kPteLarge,
                                          kBranch | kPteNoExecute,
                                          0,
                                          0x5a0,
                                          0x00cf'9300'0000'fffe,
                                          0x0000'8200'0000'0010};
/// Those of them that often make sense at level 1, and above.
constexpr std::array<uint16_t, 12> kLeaves{0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 13, 14};
constexpr std::array<uint16_t, 12> kBranches{8, 9, 8, 9, 8, 9, 10, 11, 12, 13, 14, 1};

enum Kind : uint8_t {
  kMap,
  kPin,
  kUnpin,
  kEntry,
  kPage,
  kWrite,
  kPoke,
  kGiveBack,
  kUserRoot,
  kRoot,
  kGdt,
  kDescriptor,
  kClear,
  kCopy,
  kM2p,
  kForeign,
  kFlush,
  kHide,
  kDismantle
};

constexpr std::array<OperationKind, 19> kKinds{{{"map", 16, 2},
                                                {"pin", 16, 2},
                                                {"unpin", 8, 1},
                                                {"entry", 28, 3},
                                                {"page", 8, 3},
                                                {"write", 14, 3},
                                                {"poke", 5, 2},
                                                {"give_back", 4, 1},
                                                {"user_root", 5, 1},
                                                {"root", 2, 1},
                                                {"gdt", 4, 2},
                                                {"descriptor", 4, 3},
                                                {"clear", 2, 1},
                                                {"copy", 3, 2},
                                                {"m2p", 3, 2},
                                                {"foreign", 3, 2},
                                                {"flush", 2, 1},
                                                {"hide", 2, 1},
                                                {"dismantle", 1, 0}}};

class PageTablesPlay : public Play {
 public:
  PageTablesPlay(CaseContext& context, Journal& journal)
      : journal_(journal),
        peer_(context.peer().id()),
        own_(context.guest().id()),
        frames_(context),
        model_(static_cast<uint64_t>(frames_.reservation())) {
    for (uint32_t i = 0; i < kFrames; ++i) model_.set_m2p(i, frames_.pfn(i));
  }

  void step(Operation& operation) override {
    auto& arg = operation.arg;
    switch (static_cast<Kind>(operation.kind)) {
      case kMap:
        map(arg[0] % kWindow, static_cast<Mapping>(arg[1] % 3));
        break;
      case kPin:
        pin(arg);
        break;
      case kUnpin:
        unpin(number_of(arg[0], [&](uint32_t i) { return model_.frame(i).is_pinned; }));
        break;
      case kEntry:
        entry(arg);
        break;
      case kPage:
        page(arg);
        break;
      case kWrite:
        write(arg);
        break;
      case kPoke:
        poke(arg[0], arg[1]);
        break;
      case kGiveBack:
        give_back(arg[0] % kNumbers);
        break;
      case kUserRoot:
        user_root(arg[0]);
        break;
      case kRoot:
        root(arg[0]);
        break;
      case kGdt:
        gdt(arg[0], arg[1]);
        break;
      case kDescriptor:
        descriptor(arg);
        break;
      case kClear:
        clear(arg[0] % kNumbers);
        break;
      case kCopy:
        copy(arg[0] % kNumbers, arg[1] % kNumbers);
        break;
      case kM2p:
        set_m2p(arg[0] % kNumbers, arg[1] % 1024);
        break;
      case kForeign:
        foreign(arg[0], arg[1]);
        break;
      case kFlush:
        flush(arg[0]);
        break;
      case kHide:
        hide(kIndices[arg[0] % kIndices.size()]);
        break;
      case kDismantle:
        dismantle();
        break;
    }
    settle();
    compare_tables();
  }

  void compare_all() override {
    for (uint32_t i = 0; i < kFrames && !journal_.failed(); ++i) compare_frame(i);
    for (const unsigned index : kIndices) compare_page(index);
    journal_.seen(frames_.reservation(), static_cast<int64_t>(model_.pages()), [] { return "frames.reservation()"; });
  }

  /// Whatever the frames became, they are ordinary memory again when nothing uses them.
  void end() override {
    dismantle();
    compare_all();
  }

  [[nodiscard]] std::unique_ptr<Play> clone() const override { return std::make_unique<PageTablesPlay>(*this); }

 private:
  // Choices.

  /// One of those that fit, for most choices.
  template <typename Fits>
  static uint32_t number_of(uint16_t& choice, Fits fits) {
    constexpr uint16_t kSometimes = 6;
    if (choice < kLiteral) {
      std::vector<uint32_t> fitting;
      for (uint32_t i = 0; i < kFrames; ++i) {
        if (fits(i)) fitting.push_back(i);
      }
      const bool is_any = fitting.empty() || choice % kSometimes == 0;
      const uint16_t way = choice / kSometimes;
      choice = literal(is_any ? way % kNumbers : fitting[way % fitting.size()]);
    }
    return choice % kLiteral % kNumbers;
  }
  template <typename Fits>
  static std::optional<uint32_t> number_or_none(uint16_t& choice, Fits fits) {
    constexpr uint16_t kOneIn = 4;
    if (choice < kLiteral && choice % kOneIn == 0) choice = literal(kNumbers);
    if (choice == literal(kNumbers)) return std::nullopt;
    return number_of(choice, fits);
  }
  struct Place {
    uint32_t number;
    unsigned index;
  };
  /// A word of one of the frames that fit.
  template <typename Fits>
  static Place place_of(uint16_t& choice, Fits fits) {
    constexpr unsigned kIndexBit = 4, kWayBit = 9;
    if (choice < kLiteral) {
      uint16_t number = choice;
      const uint64_t index = (choice >> kWayBit) % kIndices.size();
      choice = literal(number_of(number, fits) | index << kIndexBit);
    }
    const unsigned packed = choice % kLiteral;
    return {(packed & 15) % kNumbers, kIndices[(packed >> kIndexBit) % kIndices.size()]};
  }
  [[nodiscard]] bool is_free(uint32_t number) const { return model_.frame(number).type_count == 0; }
  /// How mmu_update is asked for, beside the word: kCommands of them above the word's bits.
  static constexpr unsigned kCommandBit = 5;
  static unsigned command_of(uint16_t choice) {
    constexpr std::array<unsigned, 4> kCommands{MMU_NORMAL_PT_UPDATE, MMU_NORMAL_PT_UPDATE, MMU_PT_UPDATE_PRESERVE_AD,
                                                MMU_PT_UPDATE_NO_TRANSLATE};
    return kCommands[(choice % kLiteral >> kCommandBit) % kCommands.size()];
  }
  /// A word for a table of `level`, 0 for what is none: what it names and which of kWords.
  uint64_t word_of(unsigned level, uint16_t& target, uint16_t& choice) {
    constexpr uint16_t kSeldom = 16, kWordMask = (1u << kCommandBit) - 1;
    if (choice < kLiteral) {
      const bool is_leaf = level == 1 || (level == 0 && choice % 2 == 0);
      const uint16_t way = choice / kSeldom;
      const uint16_t usual = is_leaf ? kLeaves[way % kLeaves.size()] : kBranches[way % kBranches.size()];
      const uint64_t which = choice % kSeldom == 0 ? way % kWords.size() : usual;
      choice = literal(which | uint64_t{way} >> kCommandBit << kCommandBit);
    }
    const uint64_t word = kWords[(choice & kWordMask) % kWords.size()];
    const uint32_t number = number_of(target, [&](uint32_t i) {
      if (level > 1 && word == kLinear) return model_.level(i) == level;
      return level <= 1 || is_free(i) || model_.level(i) == level - 1;
    });
    return is_present(word) ? uint64_t{number} << kPageShift | word : word;
  }

  // Words: entries that are present have a frame, which the model knows by number.

  static bool is_present(uint64_t word) { return (word & kPtePresent) != 0; }
  static uint32_t number_in(uint64_t word) { return static_cast<uint32_t>((word & kPteFrame) >> kPageShift); }
  [[nodiscard]] uint64_t real(uint64_t word) const {
    return is_present(word) ? frames_.entry(number_in(word), word & ~kPteFrame) : word;
  }
  static std::string name_of(uint64_t word) {
    if (!is_present(word)) return fmt::format("{:#x}", word);
    return fmt::format("frames.entry({}, {:#x})", number_in(word), word & ~kPteFrame);
  }
  static std::string name_of(std::optional<uint32_t> number) {
    return number ? fmt::to_string(*number) : "std::nullopt";
  }

  // Operations.

  /// A refusal that goes up through more tables than that is not played: what the real Xen keeps of it is not settled.
  static constexpr unsigned kTablesRefusedMax = 2;
  template <typename Act>
  [[nodiscard]] bool is_unsettled(Act act) const {
    PageTableModel trial = model_;
    return act(trial) != 0 && trial.tables_refused() > kTablesRefusedMax;
  }
  void map(uint32_t number, Mapping mapping) {
    constexpr std::array<uint64_t, 3> kFlags{0, kLeafRo, kLeafRw};
    const uint64_t flags = kFlags[static_cast<size_t>(mapping)];
    const int64_t expected = model_.map(number, mapping);
    answered(frames_.map(number, flags), expected, [&] { return fmt::format("map({}, {:#x})", number, flags); });
  }
  void pin(std::array<uint16_t, 3>& arg) {
    const unsigned level = 1 + arg[1] % 4;
    const uint32_t number = number_of(arg[0], [&](uint32_t i) { return is_free(i); });
    if (is_unsettled([&](PageTableModel& model) { return model.pin(level, number); })) return;
    const int64_t expected = model_.pin(level, number);
    answered(frames_.pin(level, number), expected, [&] { return fmt::format("pin({}, {})", level, number); });
  }
  void unpin(uint32_t number) {
    const int64_t expected = model_.unpin(number);
    answered(frames_.unpin(number), expected, [&] { return fmt::format("unpin({})", number); });
  }
  void entry(std::array<uint16_t, 3>& arg) {
    const Place place = place_of(arg[0], [&](uint32_t i) { return model_.level(i) != 0; });
    const unsigned level = place.number < kFrames ? model_.level(place.number) : 1;
    const uint64_t word = word_of(level, arg[1], arg[2]);
    set_entry(place, word, command_of(arg[2]));
  }
  void set_entry(Place place, uint64_t word, unsigned command) {
    const int64_t expected = model_.set_entry(place.number, place.index, word, command == MMU_PT_UPDATE_PRESERVE_AD);
    if (place.number == kWindow) model_.flush(place.index);
    answered(frames_.set_entry(place.number, place.index, real(word), command), expected, [&] {
      return fmt::format("set_entry({}, {}, {}, {})", place.number, place.index, name_of(word), command);
    });
  }
  void page(std::array<uint16_t, 3>& arg) {
    const unsigned index = kIndices[arg[0] % kIndices.size()];
    const uint64_t word = word_of(1, arg[1], arg[2]);
    const bool flushes = command_of(arg[2]) != MMU_PT_UPDATE_NO_TRANSLATE;
    const uint64_t flags = flushes ? UVMF_INVLPG : UVMF_NONE;
    const int64_t expected = model_.set_entry(kWindow, index, word, false);
    if (flushes && expected == 0) model_.flush(index);
    answered(frames_.set_page(index, real(word), flags), expected,
             [&] { return fmt::format("set_page({}, {}, {})", index, name_of(word), flags); });
  }
  void write(std::array<uint16_t, 3>& arg) {
    const Place place = place_of(arg[0], [&](uint32_t i) { return model_.frame(i).mapping == Mapping::kWritable; });
    const uint32_t number = place.number % kFrames;
    const uint64_t word = word_of(0, arg[1], arg[2]);
    const bool expected = model_.frame(number).mapping == Mapping::kWritable;
    if (expected) model_.write(number, place.index, word);
    answered(frames_.write(number, place.index, real(word)), expected,
             [&] { return fmt::format("write({}, {}, {})", number, place.index, name_of(word)); });
  }
  /// Through the window.
  void poke(uint16_t choice, uint16_t word) {
    const unsigned page = kIndices[choice % kIndices.size()];
    const unsigned index = kIndices[word % kIndices.size()];
    if (!model_.is_flushed(page)) return;
    const uint64_t value = ++last_value_ << 1;  // nothing present
    const uint64_t leaf = model_.word(kWindow, page);
    const bool expected = is_present(leaf) && (leaf & kPteWritable) != 0;
    if (expected) model_.write(number_in(leaf), index, value);
    answered(frames_.write_in_window(page, index, value), expected,
             [&] { return fmt::format("write_in_window({}, {}, {})", page, index, value); });
  }
  void give_back(uint32_t number) {
    if (number == kWindow) return;
    const int64_t expected = model_.give_back(number);
    answered(frames_.give_back(number), expected, [&] { return fmt::format("give_back({})", number); });
  }
  void user_root(uint16_t& choice) {
    set_user_root(number_or_none(choice, [&](uint32_t i) { return is_free(i) || model_.level(i) == kRootLevel; }));
  }
  void set_user_root(std::optional<uint32_t> number) {
    if (is_unsettled([&](PageTableModel& model) { return model.set_user_root(number); })) return;
    const int64_t expected = model_.set_user_root(number);
    answered(frames_.set_user_root(number), expected,
             [&] { return fmt::format("set_user_root({})", name_of(number)); });
  }
  /// There and back; or to a frame that can be no root.
  void root(uint16_t& choice) {
    const uint32_t number = number_of(choice, [](uint32_t) { return true; });
    if (number >= kFrames || (model_.level(number) != 0 && model_.level(number) != kRootLevel)) {
      return answered(frames_.set_root(number), -XEN_EINVAL, [&] { return fmt::format("set_root({})", number); });
    }
    const PageFrames::RootChange change = frames_.change_root();
    const uint64_t n = journal_.steps();
    journal_.did([&] { return fmt::format("const auto change{} = frames.change_root();", n); });
    const auto check = [&](int64_t actual, int64_t expected, std::string_view what) {
      journal_.answered(actual, expected, [&] { return fmt::format("change{}.{}", n, what); });
    };
    check(change.there, 0, "there");
    check(change.writable_meanwhile, -XEN_EBUSY, "writable_meanwhile");
    check(change.back, 0, "back");
    check(change.writable_afterwards, 0, "writable_afterwards");
  }
  void gdt(uint16_t& choice, uint16_t second) {
    const auto number = number_or_none(choice, [&](uint32_t i) { return is_free(i); });
    if (!number) return set_descriptors({});
    if (second % 2 == 0) return set_descriptors({*number});
    set_descriptors({*number, second / 2 % kNumbers});
  }
  void set_descriptors(const std::vector<uint32_t>& numbers) {
    const int64_t expected = model_.set_descriptors(numbers);
    answered(frames_.set_descriptors(numbers), expected,
             [&] { return fmt::format("set_descriptors({{{}}})", fmt::join(numbers, ", ")); });
  }
  void descriptor(std::array<uint16_t, 3>& arg) {
    const Place place = place_of(arg[0], [&](uint32_t i) { return model_.frame(i).type == Type::kDescriptors; });
    set_descriptor(place, word_of(0, arg[1], arg[2]));
  }
  void set_descriptor(Place place, uint64_t word) {
    const int64_t expected = model_.set_descriptor(place.number, place.index, word);
    answered(frames_.set_descriptor(place.number, place.index, real(word)), expected,
             [&] { return fmt::format("set_descriptor({}, {}, {})", place.number, place.index, name_of(word)); });
  }
  void clear(uint32_t number) {
    const int64_t expected = model_.clear_page(number);
    answered(frames_.clear_page(number), expected, [&] { return fmt::format("clear_page({})", number); });
  }
  void copy(uint32_t to, uint32_t from) {
    // What processor and hypervisor put into such a table is not for the model to know.
    if (from == kWindow || (from < kFrames && model_.level(from) == kRootLevel)) return clear(to);
    const int64_t expected = model_.copy_page(to, from);
    answered(frames_.copy_page(to, from), expected, [&] { return fmt::format("copy_page({}, {})", to, from); });
  }
  void set_m2p(uint32_t number, uint64_t pfn) {
    const int64_t expected = model_.set_m2p(number, pfn);
    answered(frames_.set_m2p(number, pfn), expected, [&] { return fmt::format("set_m2p({}, {})", number, pfn); });
  }
  /// In the name of another domain, as no guest may.
  void foreign(uint16_t how, uint16_t choice) {
    constexpr uint16_t kAbsent = 0x7a00;
    const std::array<DomId, 3> owners{peer_, own_, DomId{kAbsent}};
    constexpr std::array<std::string_view, 3> kNames{"c.peer().id()", "c.guest().id()", "DomId{0x7a00}"};
    const size_t whose = how % owners.size();
    const DomId owner = owners[whose];
    const std::string_view name = kNames[whose];
    const int64_t expected = whose == 0 ? -XEN_EPERM : -XEN_ESRCH;
    const uint32_t number = choice % kNumbers;
    switch (how / owners.size() % 3) {
      case 0:
        return answered(frames_.pin(1, number, owner), expected,
                        [&] { return fmt::format("pin(1, {}, {})", number, name); });
      case 1:
        return answered(frames_.unpin(number, owner), expected,
                        [&] { return fmt::format("unpin({}, {})", number, name); });
      default:
        break;
    }
    answered(frames_.set_entry(number, 0, 0, MMU_NORMAL_PT_UPDATE, owner.raw()), expected,
             [&] { return fmt::format("set_entry({}, 0, 0, MMU_NORMAL_PT_UPDATE, {}.raw())", number, name); });
  }
  void flush(uint16_t choice) {
    constexpr unsigned kCommands = MMUEXT_INVLPG_ALL - MMUEXT_TLB_FLUSH_LOCAL + 1;
    const unsigned command = MMUEXT_TLB_FLUSH_LOCAL + choice % kCommands;
    const bool is_of_all =
        command == MMUEXT_TLB_FLUSH_LOCAL || command == MMUEXT_TLB_FLUSH_MULTI || command == MMUEXT_TLB_FLUSH_ALL;
    if (is_of_all) model_.flush_all();
    model_.flush(0);
    answered(frames_.flush(command), 0, [&] { return fmt::format("flush({})", command); });
  }
  /// What happens above level 1 needs no flush of the guest's.
  void hide(unsigned page) {
    const PageFrames::Hiding hiding = frames_.hide_window(page);
    model_.flush_all();
    const uint64_t n = journal_.steps();
    journal_.did([&] { return fmt::format("const auto hiding{} = frames.hide_window({});", n, page); });
    journal_.answered(hiding.gone, 0, [&] { return fmt::format("hiding{}.gone", n); });
    journal_.seen(hiding.is_seen, false, [&] { return fmt::format("hiding{}.is_seen", n); });
    journal_.answered(hiding.back, 0, [&] { return fmt::format("hiding{}.back", n); });
  }

  /// Takes everything apart. Then each frame can be written, and given back.
  void dismantle() {
    set_user_root(std::nullopt);
    set_descriptors({});
    for (const unsigned index : kIndices) set_entry({kWindow, index}, 0, MMU_NORMAL_PT_UPDATE);
    for (uint32_t i = 0; i < kFrames; ++i) {
      if (model_.frame(i).is_pinned) unpin(i);
    }
    settle();
    for (uint32_t i = 0; i < kWindow && !journal_.failed(); ++i) {
      map(i, Mapping::kWritable);
      clear(i);
      map(i, Mapping::kNone);
      if (!model_.is_gone(i)) give_back(i);
      settle();
    }
  }

  /// After an operation: frames that are gone are replaced, and tables that the hypervisor had filled are cleared.
  void settle() {
    for (uint32_t i = 0; i < kWindow && !journal_.failed(); ++i) {
      if (model_.is_gone(i)) {
        renew(i);
      } else if (model_.is_littered(i)) {
        clear(i);
      }
    }
  }
  void renew(uint32_t number) {
    journal_.seen(frames_.reservation(), static_cast<int64_t>(model_.pages()), [] { return "frames.reservation()"; });
    // The number of the frame may come back as another one's.
    for (const auto& [table, index] : model_.mentions(number)) {
      if (model_.is(table, Type::kDescriptors)) {
        set_descriptor({table, index}, 0);
      } else {
        set_entry({table, index}, 0, MMU_NORMAL_PT_UPDATE);
      }
    }
    model_.renew(number, frames_.pfn(number));
    answered(frames_.renew(number), 1, [&] { return fmt::format("renew({})", number); });
    map(number, Mapping::kWritable);
    clear(number);
  }

  // What guests see.

  /// What an operation may change, at little cost: tables, and what the window lets the guest write.
  void compare_tables() {
    for (uint32_t i = 0; i < kFrames && !journal_.failed(); ++i) {
      if (model_.frame(i).mapping != Mapping::kNone) compare_words(i);
    }
    for (const unsigned index : kIndices) compare_access(index);
  }
  void compare_frame(uint32_t number) {
    const PageTableModel::Frame& frame = model_.frame(number);
    if (frame.mapping == Mapping::kNone) {
      journal_.seen(frames_.word(number, 0), ~uint64_t{0}, [&] { return fmt::format("frames.word({}, 0)", number); });
    } else {
      compare_words(number);
    }
    journal_.seen(frames_.may_write(number), frame.mapping == Mapping::kWritable,
                  [&] { return fmt::format("frames.may_write({})", number); });
    journal_.seen(frames_.m2p(number), frame.pfn, [&] { return fmt::format("frames.m2p({})", number); });
  }
  void compare_words(uint32_t number) {
    const auto words = frames_.words(number);
    for (const unsigned index : kIndices) {
      if (model_.knows(number, index)) compare_word(number, index, words.at(index));
    }
  }
  /// Bits that are the hypervisor's to use do not count, nor those that the processor sets.
  void compare_word(uint32_t number, unsigned index, uint64_t actual) {
    constexpr uint64_t kProcessors = kPteAccessed | kPteDirty;
    const uint64_t word = model_.word(number, index);
    const uint64_t meaning = ~(PageFrames::kSoftware | (number == kWindow ? kProcessors : 0));
    const uint64_t expected = real(word) & meaning;
    actual &= meaning;
    journal_.seen_as(actual == expected ? word & meaning : actual, actual == expected, name_of(word & meaning),
                     fmt::format("{:#x}", actual),
                     [&] { return fmt::format("frames.word({}, {}) & {:#x}", number, index, meaning); });
  }
  void compare_access(unsigned page) {
    if (!model_.is_flushed(page)) return;
    const uint64_t leaf = model_.word(kWindow, page);
    journal_.seen(frames_.may_write_in_window(page), is_present(leaf) && (leaf & kPteWritable) != 0,
                  [&] { return fmt::format("frames.may_write_in_window({})", page); });
  }
  void compare_page(unsigned page) {
    compare_access(page);
    if (!model_.is_flushed(page)) return;
    const uint64_t leaf = model_.word(kWindow, page);
    const uint64_t actual = frames_.word_in_window(page, 0);
    if (is_present(leaf)) {
      compare_word(number_in(leaf), 0, actual);
    } else {
      journal_.seen(actual, ~uint64_t{0}, [&] { return fmt::format("frames.word_in_window({}, 0)", page); });
    }
  }
  template <typename A, typename B, typename Make>
  void answered(const A& actual, const B& expected, Make call) {
    journal_.answered(actual, expected, [&] { return "frames." + call(); });
  }

  Journal& journal_;
  DomId peer_, own_;
  PageFrames frames_;
  PageTableModel model_;
  uint64_t last_value_ = 0;
};

}  // namespace

const Family& page_tables_family() {
  static const Family family{
      .name = "page_tables",
      .kinds = kKinds,
      .actors = 1,
      .spec = {.slug = "property.page_tables",
               .rule = "A frame is one thing at a time, and page tables say what the guest was allowed to put there.",
               .source = "public/xen.h, mmu_update and mmuext_op",
               .guests = GuestTypes::kPv64,
               .needs = {Capability::kTwoGuests}},
      .includes = {"<optional>", "conformance/guest/page_frames.hpp"},
      .prologue = "PageFrames frames(c);\n",
      .begin = begin_play<PageTablesPlay>};
  return family;
}

}  // namespace assay::fuzz
