#include "sim/abi/describe.hpp"

#include <gtest/gtest.h>

#include "sim/abi/xen.hpp"

namespace assay {
namespace {

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

TEST(Describe, Operations_HaveTheNamesOfTheHeaders) {
  EXPECT_EQ(hypercall_name(__HYPERVISOR_event_channel_op), "event_channel_op");
  EXPECT_EQ(hypercall_name(63), std::nullopt);
  const auto send = operation_name(__HYPERVISOR_event_channel_op, EVTCHNOP_send);
  ASSERT_TRUE(send.has_value());
  EXPECT_EQ(send->name, "EVTCHNOP_send");
  EXPECT_EQ(send->argument, "evtchn_send");
  EXPECT_FALSE(operation_name(__HYPERVISOR_event_channel_op, 99).has_value());
}

TEST(Describe, ContinuedMemoryOperation_HasItsName) {
  const auto names = operation_name(__HYPERVISOR_memory_op, XENMEM_populate_physmap | 5u << 6);
  ASSERT_TRUE(names.has_value());
  EXPECT_EQ(names->name, "XENMEM_populate_physmap");
}

TEST(Describe, Structure_IsItsFields) {
  const evtchn_alloc_unbound value{.dom = DOMID_SELF, .remote_dom = 3, .port = 0x12345};
  EXPECT_EQ(describe_structure("evtchn_alloc_unbound", bytes_of(value)),
            "{dom DOMID_SELF, remote_dom 3, port 0x12345}");
  EXPECT_EQ(structure_bytes("evtchn_alloc_unbound"), sizeof value);
}

TEST(Describe, SignedFields_KeepTheirSign) {
  gnttab_query_size value{};
  value.status = GNTST_bad_domain;
  EXPECT_NE(describe_structure("gnttab_query_size", bytes_of(value)).find("status -2"), std::string::npos);
}

TEST(Describe, TruncatedStructure_LeavesFieldsOut) {
  const evtchn_alloc_unbound value{.dom = 1, .remote_dom = 3, .port = 7};
  EXPECT_EQ(describe_structure("evtchn_alloc_unbound", bytes_of(value).first(5)), "{dom 1, remote_dom 3}");
  EXPECT_EQ(describe_structure("evtchn_alloc_unbound", {}), "{}");
}

TEST(Describe, UnknownStructure_IsTextOrBytes) {
  const char text[8] = "4.17";
  EXPECT_EQ(describe_structure("xen_extraversion_t", bytes_of(text)), "\"4.17\"");
  const uint32_t number = 0x01020304;
  EXPECT_EQ(describe_structure("no_such", bytes_of(number)), "04030201");
  EXPECT_EQ(describe_structure("no_such", {}), "");
}

TEST(Describe, EveryKnownStructure_HasOnlyKnownFields) {
  for (const std::string_view name : {"gnttab_map_grant_ref", "xen_domctl_getdomaininfo", "mmuext_op"}) {
    EXPECT_GT(structure_bytes(name), 0u) << name;
  }
  EXPECT_EQ(structure_bytes("no_such"), 0u);
}

}  // namespace
}  // namespace assay
