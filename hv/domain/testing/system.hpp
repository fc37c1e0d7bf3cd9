/// A booted core with a control domain (HVM without paging, so that its pointers are guest-physical) that makes
/// hypercalls, and other domains beside it. What a test leaves behind must pass the core's audit.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "hv/base/testing/fake_host.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/evtchn/event_channels.hpp"
#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/stage2.hpp"
#include "hv/sched/sched.hpp"
#include "sim/port/port.h"

extern "C" const struct assay_core assay_core;

namespace hv::testing {

class SystemTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kRamPages = 8;
  static constexpr uint64_t kArgument = 0x1000;  ///< where arguments are put
  static constexpr uint64_t kBuffer = 0x2000;    ///< where lists are put; three pages
  static constexpr uint64_t kNowhere = 0x100'0000;

  SystemTest() {
    EXPECT_EQ(assay_core.boot(&host_.port(), ""), 0);
    control_ = make(DomId{0}, GuestKind::kHvm, 1, true);
    run(*control_->vcpus[0]);
  }

  ~SystemTest() override {
    std::array<char, 4096> text{};
    EXPECT_EQ(assay_core.audit(text.data(), text.size()), 0u) << text.data();
  }

  Domain* make(DomId id, GuestKind kind, uint32_t vcpus, bool privileged = false, uint32_t max_port = ~0u) {
    DomainConfig config;
    config.id = id;
    config.kind = kind;
    config.privileged = privileged;
    config.max_vcpus = vcpus;
    config.max_evtchn_port = max_port;
    if (kind == GuestKind::kHvm) config.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    const Result<Domain*> domain = create_domain(config);
    EXPECT_TRUE(domain.ok());
    EXPECT_TRUE(allocate_vcpus(**domain).ok());
    (*domain)->memory.max_pages = 64;
    if (kind == GuestKind::kHvm) give_memory(**domain);
    return *domain;
  }

  static void give_memory(Domain& domain) {
    for (uint64_t gfn = 0; gfn < kRamPages; ++gfn) {
      const Result<Mfn> mfn = alloc_domain_frames(domain.memory, 0);
      EXPECT_TRUE(mfn.ok() && stage2_map(domain.memory, Gfn{gfn}, *mfn).ok());
    }
  }

  /// The vCPU is the one that runs on pCPU 0, inside the core.
  static void run(Vcpu& vcpu) {
    vcpu.initialised = true;
    vcpu.hard_affinity[0] = 1;
    if (vcpu.domain->controller_pauses != 0) {
      EXPECT_TRUE(unpause_by_controller(*vcpu.domain).ok());
    }
    vcpu_unpause(vcpu, kPauseDown);
    EXPECT_EQ(sched_switch(sched_pcpu(0)), &vcpu);
    vcpu.in_core = true;
  }

  template <typename T>
  static void put(Domain& domain, uint64_t address, const T& value) {
    std::memcpy(stage2_bytes(domain.memory, Gpa{address}, true), &value, sizeof value);
  }
  template <typename T>
  static T get(Domain& domain, uint64_t address) {
    T value;
    std::memcpy(&value, stage2_bytes(domain.memory, Gpa{address}, false), sizeof value);
    return value;
  }

  FakeHost host_;
  Domain* control_ = nullptr;
};

}  // namespace hv::testing
