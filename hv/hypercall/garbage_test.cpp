/// Whatever a guest asks for, with whatever arguments: an answer, never a crash, and every invariant still holds.
#include <iterator>

#include "hv/hypercall/registers.hpp"
#include "hv/hypercall/testing/caller.hpp"

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
  /// Small numbers, edges of ranges, and noise.
  uint64_t value() {
    constexpr uint64_t kEdges[] = {0,          1,   0x7ff0, 0x7fff, ~0ull, 0xffffffff, 0x80000000, uint64_t{1} << 47,
                                   0x7fffffff, 4096};
    switch (below(4)) {
      case 0:
        return kEdges[below(std::size(kEdges))];
      case 1:
        return below(70);
      case 2:
        return 0x2000 + below(3) * 0x1000 + below(64) * 8;  // where SystemTest has buffers
      default:
        return next();
    }
  }

 private:
  uint64_t state_;
};

class GarbageTest : public CallerTest {
 protected:
  static constexpr uint32_t kRounds = 20'000;

  template <typename Argument>
  void fill(Argument& argument, size_t from) {
    uint64_t words[sizeof(Argument) / sizeof(uint64_t) + 1];
    for (uint64_t& word : words)
      word = numbers_.below(3) == 0 ? numbers_.value() << 32 | numbers_.below(8) : numbers_.value();
    std::memcpy(reinterpret_cast<uint8_t*>(&argument) + from, words, sizeof(Argument) - from);
  }

  void expect_sound() {
    std::array<char, 4096> text{};
    ASSERT_EQ(assay_core.audit(text.data(), text.size()), 0u) << text.data();
  }

  Numbers numbers_{20'231'121};
};

}  // namespace

TEST_F(GarbageTest, Domctl_AnswersEverything) {
  uint32_t accepted = 0;
  for (uint32_t round = 0; round < kRounds; ++round) {
    if (domain_by_id(DomId{1}) == nullptr) make(DomId{1}, GuestKind::kHvm, 2);
    if (domain_by_id(DomId{2}) == nullptr) make(DomId{2}, GuestKind::kPv64, 40);
    xen_domctl_t op{};
    fill(op, offsetof(xen_domctl_t, u));
    op.cmd = static_cast<uint32_t>(numbers_.below(90));
    op.domain = static_cast<domid_t>(numbers_.below(6));
    // Most operations begin with a vCPU's number: let it often be one that exists.
    if (numbers_.below(2) == 0) op.u.getvcpuinfo.vcpu = static_cast<uint32_t>(numbers_.below(3));
    if (op.cmd == XEN_DOMCTL_createdomain && numbers_.below(2) == 0) {
      op.u.createdomain = {};
      op.u.createdomain.max_vcpus = 1 + static_cast<uint32_t>(numbers_.below(3));
      op.u.createdomain.grant_opts = 1;
    }
    if (domctl(*control_, op) == 0) ++accepted;
    if (round % 64 == 0) expect_sound();
  }
  EXPECT_GT(accepted, kRounds / 20) << "most of the noise must not stop at the first check";
}

TEST_F(GarbageTest, EventChannels_AnswerEverything) {
  Domain* callers[] = {control_, make(DomId{1}, GuestKind::kHvm, 2), make(DomId{2}, GuestKind::kHvm, 1, false, 100)};
  uint32_t accepted = 0;
  for (uint32_t round = 0; round < kRounds; ++round) {
    evtchn_op_t op{};
    fill(op, 0);
    Domain& caller = *callers[numbers_.below(std::size(callers))];
    put(caller, kArgument, op.u);
    if (numbers_.below(4) != 0)
      put(caller, kArgument, static_cast<uint32_t>(numbers_.below(3) | numbers_.below(200) << 16));
    const uint64_t argument = numbers_.below(50) == 0 ? numbers_.value() : kArgument;
    // Resets would empty the board too often.
    const uint64_t command = numbers_.below(100) == 0 ? EVTCHNOP_reset : numbers_.below(10);
    if (call(caller, do_event_channel_op, {command, argument}) == 0) ++accepted;
    if (round % 64 == 0) expect_sound();
  }
  EXPECT_GT(accepted, kRounds / 20);
}

TEST_F(GarbageTest, Sysctl_AnswersEverything) {
  for (uint32_t round = 0; round < kRounds; ++round) {
    xen_sysctl_t op{};
    fill(op, offsetof(xen_sysctl_t, u));
    op.cmd = static_cast<uint32_t>(numbers_.below(32));
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    put(*control_, kArgument, op);
    EXPECT_LE(call(*control_, do_sysctl, {kArgument}), 0);
  }
  expect_sound();
}

TEST_F(GarbageTest, EveryNumber_OfAnHvmGuest_IsAnswered) {
  Domain* guest = make(DomId{1}, GuestKind::kHvm, 2);
  guest->memory.max_pages = 256;
  for (uint32_t round = 0; round < kRounds; ++round) {
    uint64_t words[32];
    for (uint64_t& word : words) word = numbers_.value();
    for (const uint64_t page : {kArgument, kBuffer}) {
      // The guest may have given the page away.
      uint8_t* bytes = stage2_bytes(guest->memory, Gpa{page}, true);
      if (bytes != nullptr) std::memcpy(bytes, words, sizeof words);
    }
    Call call{*guest->vcpus[numbers_.below(2)], static_cast<uint32_t>(numbers_.below(50)), {}};
    for (uint64_t& arg : call.arg) arg = numbers_.below(3) == 0 ? kArgument : numbers_.value();
    if (numbers_.below(2) == 0) call.arg[0] = numbers_.below(32);
    if (numbers_.below(2) == 0) call.arg[1] = numbers_.below(2) == 0 ? kArgument : numbers_.below(3);
    call.vcpu.in_multicall = true;
    static_cast<void>(hypercall_dispatch(call));
    call.vcpu.in_multicall = false;
    call.vcpu.continuation = false;
    vcpu_unblock(call.vcpu);
    if (guest->shut_down) resume_domain(*guest);
    if (round % 64 == 0) expect_sound();
  }
}

}  // namespace hv::testing
