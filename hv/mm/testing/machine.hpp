/// A booted memory system with one PV64 and one HVM domain, for the unit tests of this folder. What a test leaves
/// behind must pass every audit.
#pragma once

#include <gtest/gtest.h>

#include "hv/base/testing/fake_host.hpp"
#include "hv/mm/audit.hpp"
#include "hv/mm/domain_memory.hpp"
#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/page_tables.hpp"

namespace hv::testing {

class MemoryTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kMaxPages = 512;

  MemoryTest() {
    mm_init();
    frames_at_boot_ = frames_free();
    set_up(pv_, DomId{1}, GuestKind::kPv64);
    set_up(hvm_, DomId{2}, GuestKind::kHvm);
  }

  ~MemoryTest() override { EXPECT_EQ(audit(), ""); }

  static void set_up(DomainMemory& memory, DomId id, GuestKind kind) {
    memory.id = id;
    memory.kind = kind;
    memory.max_pages = kMaxPages;
    EXPECT_TRUE(memory_create(memory).ok());
  }

  std::string audit() {
    std::string text;
    const auto collect = [](void* to, const char* line) { *static_cast<std::string*>(to) += std::string(line) + "\n"; };
    frames_audit(collect, &text);
    memory_audit(pv_, collect, &text);
    memory_audit(hvm_, collect, &text);
    return text;
  }

  static Mfn page(DomainMemory& memory) {
    const Result<Mfn> mfn = alloc_domain_frames(memory, 0);
    EXPECT_TRUE(mfn.ok());
    return *mfn;
  }

  static uint64_t& entry(Mfn table, unsigned index) { return frame_as<uint64_t>(table)[index]; }

  static Status set_entry(Mfn table, unsigned level, unsigned index, uint64_t value, DomainMemory& owner) {
    return update_entry(table, level, index, EntryUpdate{.value = value, .page_owner = &owner});
  }

  static bool destroy(DomainMemory& memory) {
    uint64_t budget = 1u << 20;
    const bool done = relinquish_memory(memory, budget);
    memory_destroy(memory);
    return done && memory_empty(memory);
  }

  FakeHost host_;
  uint64_t frames_at_boot_ = 0;
  DomainMemory pv_;
  DomainMemory hvm_;
};

constexpr uint64_t kTable = kPtePresent | kPteWritable | kPteUser;
constexpr uint64_t kReadWrite = kPtePresent | kPteWritable;
constexpr uint64_t kReadOnly = kPtePresent;

}  // namespace hv::testing
