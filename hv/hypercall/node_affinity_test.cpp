/// Nodes: what of a machine that has several is told, and node affinity.
#include <gmock/gmock.h>

#include "hv/domain/nodes.hpp"
#include "hv/hypercall/sysctl.hpp"
#include "hv/hypercall/testing/caller.hpp"

namespace hv::testing {

namespace {

class NodesTest : public CallerTest {
 protected:
  int64_t affinity(uint32_t command, uint64_t& nodes) {
    xen_domctl_t op{};
    op.cmd = command;
    op.domain = 1;
    op.u.nodeaffinity.nodemap.bitmap.p = reinterpret_cast<uint8_t*>(kBuffer);
    op.u.nodeaffinity.nodemap.nr_bits = 64;
    put(*control_, kBuffer, nodes);
    const int64_t result = domctl(*control_, op);
    nodes = get<uint64_t>(*control_, kBuffer);
    return result;
  }
  int64_t set(uint64_t nodes) { return affinity(XEN_DOMCTL_setnodeaffinity, nodes); }
  uint64_t told() {
    uint64_t nodes = ~uint64_t{0};
    EXPECT_EQ(affinity(XEN_DOMCTL_getnodeaffinity, nodes), 0);
    return nodes;
  }
  xen_sysctl_t sysctl(xen_sysctl_t op) {
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    put(*control_, kArgument, op);
    EXPECT_EQ(call(*control_, do_sysctl, {kArgument}), 0);
    return get<xen_sysctl_t>(*control_, kArgument);
  }
};

}  // namespace

TEST_F(NodesTest, OneNode_IsAllThereIs) {
  make(DomId{1}, GuestKind::kHvm, 1);
  EXPECT_EQ(told(), 1u);
  EXPECT_EQ(set(1), 0);
  EXPECT_EQ(set(2), -XEN_EINVAL);
}

TEST_F(NodesTest, Affinity_IsWhatWasSet_AndOfAllNodes_ThatOfTheVcpus) {
  EXPECT_TRUE(nodes_init("fake=2").ok());
  Domain* guest = make(DomId{1}, GuestKind::kHvm, 1);
  EXPECT_EQ(told(), 3u);
  EXPECT_EQ(set(2), 0);
  EXPECT_EQ(told(), 2u);
  EXPECT_EQ(set(0), -XEN_EINVAL);
  EXPECT_EQ(set(4), -XEN_EINVAL) << "not on this machine";
  EXPECT_EQ(told(), 2u);
  EXPECT_EQ(set(~uint64_t{0}), 0);
  guest->vcpus[0]->soft_affinity[0] = 1;
  EXPECT_EQ(told(), 1u);
  guest->vcpus[0]->hard_affinity[0] = 2;
  EXPECT_EQ(told(), 2u) << "where it prefers to run it may not";
}

TEST_F(NodesTest, Affinity_GoesWithTheDomain) {
  EXPECT_TRUE(nodes_init("fake=2").ok());
  make(DomId{1}, GuestKind::kHvm, 1);
  EXPECT_EQ(set(2), 0);
  EXPECT_EQ(domctl(XEN_DOMCTL_destroydomain, DomId{1}), 0);
  reap_dead_domains();
  make(DomId{1}, GuestKind::kHvm, 1);
  EXPECT_EQ(told(), 3u);
}

TEST_F(NodesTest, NodesThatCannotBe_AreRefused) {
  for (const char* wrong : {"fake=0", "fake=3", "fake=x", "fake=", "2", "fake=99999999999"}) {
    EXPECT_FALSE(nodes_init(wrong).ok()) << wrong;
  }
  EXPECT_THAT(host_.console, ::testing::HasSubstr("numa=fake=3: expected fake=N"));
  EXPECT_TRUE(nodes_init("fake=1").ok());
}

TEST_F(NodesTest, PhysinfoNumainfoAndHeap_TellOfEachNode) {
  EXPECT_TRUE(nodes_init("fake=2").ok());
  xen_sysctl_t op{};
  op.cmd = XEN_SYSCTL_physinfo;
  const xen_sysctl_physinfo machine = sysctl(op).u.physinfo;
  EXPECT_EQ(machine.nr_nodes, 2u);
  EXPECT_EQ(machine.max_node_id, 1u);
  op = {};
  op.cmd = XEN_SYSCTL_numainfo;
  op.u.numainfo.num_nodes = 9;
  op.u.numainfo.meminfo.p = reinterpret_cast<xen_sysctl_meminfo_t*>(kBuffer);
  op.u.numainfo.distance.p = reinterpret_cast<uint32_t*>(kBuffer + 64);
  EXPECT_EQ(sysctl(op).u.numainfo.num_nodes, 2u);
  const auto near = get<xen_sysctl_meminfo_t>(*control_, kBuffer);
  const auto far = get<xen_sysctl_meminfo_t>(*control_, kBuffer + sizeof(xen_sysctl_meminfo_t));
  EXPECT_EQ(near.memsize + far.memsize, host_.port().frames * kPageSize);
  EXPECT_EQ(near.memfree + far.memfree, machine.free_pages * kPageSize);
  EXPECT_EQ(get<uint64_t>(*control_, kBuffer + 64), (uint64_t{20} << 32) + 10);
  EXPECT_EQ(get<uint64_t>(*control_, kBuffer + 72), (uint64_t{10} << 32) + 20);
  op = {};
  op.cmd = XEN_SYSCTL_availheap;
  op.u.availheap.node = 1;
  EXPECT_EQ(sysctl(op).u.availheap.avail_bytes, far.memfree);
  op.u.availheap.node = 2;
  EXPECT_EQ(sysctl(op).u.availheap.avail_bytes, 0u);
}

}  // namespace hv::testing
