#include "hv/vcpu/pv_segments.hpp"

#include "hv/hypercall/testing/pv_caller.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv::testing {

namespace {

class PvSegmentsTest : public PvCallerTest {
 protected:
  static constexpr uint64_t kHandler = 0xffffffff'80001000;
  static constexpr uint16_t kAbsent = 0x33;

  PvSegmentsTest() {
    vcpu().regs.rsp = va(kFreePage + 1);
    vcpu().regs.ds = vcpu().regs.es = vcpu().regs.fs = vcpu().regs.gs = 0;
    vcpu().pv->failsafe_callback = kHandler;
    vcpu().pv->segments_stale = true;
  }
  Vcpu& vcpu() { return *pv_->vcpus[0]; }
  bool loadable(uint16_t selector) {
    uint64_t base = 0;
    return pv_selector_loadable(vcpu(), selector, base);
  }
};

}  // namespace

TEST_F(PvSegmentsTest, Loadable_NullAndFlatOnes_NothingBeyondTheTable) {
  EXPECT_TRUE(loadable(0));
  EXPECT_TRUE(loadable(3));
  EXPECT_TRUE(loadable(FLAT_RING3_DS32));
  EXPECT_TRUE(loadable(FLAT_RING3_CS64));
  EXPECT_FALSE(loadable(kAbsent));
  EXPECT_FALSE(loadable(kAbsent | 4));
  EXPECT_FALSE(loadable(0xffff));
}

TEST_F(PvSegmentsTest, Load_AllFit_ChangesNothing) {
  vcpu().regs.ds = FLAT_RING3_DS32;
  const uint64_t rip = vcpu().regs.rip;
  EXPECT_TRUE(pv_load_segments(vcpu()));
  EXPECT_EQ(vcpu().regs.ds, FLAT_RING3_DS32);
  EXPECT_EQ(vcpu().regs.rip, rip);
  EXPECT_FALSE(vcpu().pv->segments_stale);
}

TEST_F(PvSegmentsTest, Load_OneDoesNot_FailsafeWithTheOldOnes) {
  vcpu().regs.es = kAbsent;
  EXPECT_TRUE(pv_load_segments(vcpu()));
  EXPECT_EQ(vcpu().regs.es, 0);
  EXPECT_EQ(vcpu().regs.rip, kHandler);
  EXPECT_EQ(pv_get<uint64_t>(vcpu().regs.rsp + 2 * 8), 0u);
  EXPECT_EQ(pv_get<uint64_t>(vcpu().regs.rsp + 3 * 8), uint64_t{kAbsent});
}

TEST_F(PvSegmentsTest, Load_OnlyAfterASwitch) {
  vcpu().pv->segments_stale = false;
  vcpu().regs.es = kAbsent;
  EXPECT_TRUE(pv_load_segments(vcpu()));
  EXPECT_EQ(vcpu().regs.es, kAbsent);
}

TEST_F(PvSegmentsTest, Load_NoCallback_IsRefused) {
  vcpu().pv->failsafe_callback = 0;
  vcpu().regs.es = kAbsent;
  EXPECT_FALSE(pv_load_segments(vcpu()));
}

}  // namespace hv::testing
