/// Random page tables, reservations and maps from a PV64 guest: an answer to everything, and afterwards every reference
/// of every frame is accounted for.
#include <iterator>
#include <map>

#include "hv/hypercall/testing/pv_caller.hpp"
#include "hv/mm/page_entries.hpp"

namespace hv::testing {

namespace {

/// splitmix64: the same numbers on every machine.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e37'79b9'7f4a'7c15;
    z = (z ^ z >> 30) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ z >> 27) * 0x94d0'49bb'1331'11eb;
    return z ^ z >> 31;
  }
  uint64_t below(uint64_t end) { return next() % end; }

 private:
  uint64_t state_;
};

/// General references that can be explained: allocation, pin, entries of validated tables.
class Ledger {
 public:
  Ledger() {
    for (uint64_t frame = 0; frame < frames_total(); ++frame) {
      const FrameInfo& info = frame_info(Mfn{frame});
      if (info.allocated) ++refs_[frame];
      if (info.pinned) ++refs_[frame];
      if (info.validated) count_entries(Mfn{frame}, table_level(info.type));
    }
  }
  void add(Mfn mfn) { ++refs_[mfn.raw()]; }
  void expect_exact() const {
    for (uint64_t frame = 0; frame < frames_total(); ++frame) {
      const FrameInfo& info = frame_info(Mfn{frame});
      if (info.owner == nullptr || info.owner == &core_memory()) continue;
      const auto known = refs_.find(frame);
      ASSERT_EQ(info.refs, known == refs_.end() ? 0 : known->second) << "frame " << frame;
    }
  }

 private:
  void count_entries(Mfn table, unsigned level) {
    for (unsigned i = 0; i < kPteCount; ++i) {
      const uint64_t pte = frame_as<uint64_t>(table)[i];
      if ((pte & kPtePresent) == 0 || hypervisor_slot(level, i) || pte_mfn(pte) == table) {
        // A table's own entry for itself holds a reference only where it maps the frame as data.
        if ((pte & kPtePresent) == 0 || level != 1 || pte_mfn(pte) != table) continue;
      }
      ++refs_[pte_mfn(pte).raw()];
    }
  }

  std::map<uint64_t, uint32_t> refs_;
};

class MmuGarbage : public PvCallerTest {
 protected:
  static constexpr uint32_t kRounds = 30'000;

  uint64_t some_frame() {
    switch (numbers_.below(16)) {
      case 0:
        return numbers_.next() >> 12;
      case 1:
        return numbers_.below(frames_total() + 2);
      case 2:
        return control_->memory.pages.head.raw();
      default:
        return pages_[numbers_.below(kPvPages)].raw();
    }
  }
  uint64_t some_entry() {
    constexpr uint64_t kFlags[] = {kPtePresent, kPtePresent | kPteWritable, kPtePresent | kPteWritable | kPteUser, 0};
    const uint64_t noise = numbers_.below(8) == 0 ? numbers_.next() & ~kPteFrame : 0;
    return make_pte(Mfn{some_frame()}, kFlags[numbers_.below(std::size(kFlags))] | noise);
  }
  uint64_t some_foreign() {
    constexpr uint64_t kForeign[] = {DOMID_SELF, DOMID_SELF, DOMID_SELF, DOMID_SELF, 0,
                                     1,          DOMID_IO,   DOMID_XEN,  77,         uint64_t{1} << 16 | DOMID_SELF};
    return kForeign[numbers_.below(std::size(kForeign))];
  }
  /// The pages that carry arguments must stay where they are, or the test would only see EFAULT.
  [[nodiscard]] bool touches_arguments(uint64_t pointer) const {
    const Mfn table{pointer >> kPageShift};
    const uint64_t index = (pointer & (kPageSize - 1)) / 8;
    if (table == pages_[kArgumentPage] || table == pages_[kListPage]) return true;
    if (table == l1()) return index == kArgumentPage || index == kListPage;
    const bool upper = table == pages_[1] || table == pages_[2] || table == pages_[3];
    return upper && index == pte_index(Gva{kBase}, table == pages_[1] ? 2 : table == pages_[2] ? 3 : 4);
  }

  void random_update() {
    const uint64_t pointer = (some_frame() << kPageShift) + numbers_.below(64) * 8;
    if (touches_arguments(pointer)) return;
    batch<mmu_update_t>(do_mmu_update, {{pointer | numbers_.below(5), some_entry()}}, some_foreign());
  }
  void random_ext() {
    mmuext_op_t op{};
    op.cmd = static_cast<unsigned>(numbers_.below(22));
    op.arg1.mfn = some_frame();
    op.arg2.src_mfn = some_frame();
    const bool root = op.cmd == MMUEXT_NEW_BASEPTR;
    const bool overwrites = op.cmd == MMUEXT_CLEAR_PAGE || op.cmd == MMUEXT_COPY_PAGE;
    const bool ours = Mfn{op.arg1.mfn} == pages_[kArgumentPage] || Mfn{op.arg1.mfn} == pages_[kListPage];
    if (root || (overwrites && ours)) return;
    batch<mmuext_op_t>(do_mmuext_op, {op}, some_foreign());
  }
  void random_mapping() {
    const uint64_t page = numbers_.below(40);
    if (page == kArgumentPage || page == kListPage) return;
    call(*pv_, do_update_va_mapping_otherdomain,
         {va(0) + page * kPageSize, some_entry(), numbers_.below(16), some_foreign()});
  }
  void random_memory_op() {
    constexpr uint32_t kOps[] = {XENMEM_increase_reservation, XENMEM_decrease_reservation, XENMEM_populate_physmap,
                                 XENMEM_exchange};
    xen_memory_exchange_t request{};
    request.in.extent_start.p = reinterpret_cast<xen_pfn_t*>(va(kListPage));
    request.in.nr_extents = numbers_.below(4);
    request.in.extent_order = static_cast<unsigned>(numbers_.below(3));
    request.in.domid = DOMID_SELF;
    request.out = request.in;
    request.out.extent_start.p = reinterpret_cast<xen_pfn_t*>(va(kListPage) + 256);
    for (unsigned i = 0; i < 64; ++i) pv_put(va(kListPage) + i * 8, fresh_frame());
    memory_op(kOps[numbers_.below(std::size(kOps))], request);
  }
  /// Never one of the pages that the test works with: those must stay the domain's.
  uint64_t fresh_frame() {
    const Mfn tail = pv_->memory.pages.tail;
    const bool known = std::ranges::find(pages_, tail) != pages_.end();
    return known || numbers_.below(3) == 0 ? numbers_.next() : tail.raw();
  }

  void expect_sound() {
    std::array<char, 4096> text{};
    ASSERT_EQ(assay_core.audit(text.data(), text.size()), 0u) << text.data();
    Ledger ledger;
    ledger.add(l4());
    if (pv_->vcpus[0]->pv->user_cr3 != 0) ledger.add(pte_mfn(pv_->vcpus[0]->pv->user_cr3));
    ledger.expect_exact();
  }

  Numbers numbers_{20'240'229};
};

TEST_F(MmuGarbage, EveryReferenceIsAccountedFor) {
  for (uint32_t round = 0; round < kRounds; ++round) {
    switch (numbers_.below(4)) {
      case 0:
        random_update();
        break;
      case 1:
        random_ext();
        break;
      case 2:
        random_mapping();
        break;
      default:
        random_memory_op();
    }
    if (round % 1000 == 0) expect_sound();
    if (HasFatalFailure()) return;
  }
  expect_sound();
}

TEST_F(MmuGarbage, PrivilegedToo) {
  pv_->privileged = pv_->memory.privileged = true;
  for (uint32_t round = 0; round < kRounds; ++round) {
    numbers_.below(2) == 0 ? random_update() : random_mapping();
    if (round % 1000 == 0) expect_sound();
    if (HasFatalFailure()) return;
  }
  expect_sound();
}

TEST_F(MmuGarbage, MemoryOp_AnswersEverything) {
  for (uint32_t round = 0; round < kRounds; ++round) {
    std::array<uint64_t, 16> argument{};
    for (uint64_t& word : argument) word = numbers_.below(2) == 0 ? numbers_.below(4) : numbers_.next();
    argument[numbers_.below(argument.size())] = va(kListPage);
    argument[numbers_.below(4)] &= ~uint64_t{0xffff} | DOMID_SELF;
    const uint64_t command = numbers_.below(64) | (numbers_.below(4) == 0 ? numbers_.next() << 6 : 0);
    pv_put(va(kListPage), fresh_frame());
    memory_op(command, argument);
    if (round % 1000 == 0) expect_sound();
    if (HasFatalFailure()) return;
  }
}

}  // namespace

}  // namespace hv::testing
