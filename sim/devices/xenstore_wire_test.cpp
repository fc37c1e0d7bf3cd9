#include "sim/devices/xenstore_wire.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "sim/abi/xen.hpp"
#include "sim/devices/testing/store_client.hpp"

namespace assay {
namespace {

using testing::decode;
using ::testing::ElementsAre;
using testing::encode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::nul_terminated;
using testing::StoreClient;
using testing::StoreMessage;

/// A store in which domain 1, connected, owns its home.
class XenStoreWireTest : public ::testing::Test {
 protected:
  XenStoreWireTest() {
    EXPECT_EQ(store_.mkdir({DomId{0}}, "/local/domain/1"), 0);
    EXPECT_EQ(store_.set_permissions({DomId{0}}, "/local/domain/1", {{DomId{1}, StoreAccess::kNone}}), 0);
    store_.introduce(DomId{1});
  }

  std::string say(uint32_t type, std::initializer_list<std::string_view> strings, uint32_t tx_id = 0) {
    return guest_.say(type, strings, tx_id);
  }

  XenStore store_;
  StoreClient guest_{store_, DomId{1}};
};

TEST_F(XenStoreWireTest, WriteRead_GoThrough) {
  EXPECT_EQ(guest_.call(XS_WRITE, std::string("x\0va\0l", 6)).payload, std::string("OK\0", 3));
  EXPECT_EQ(guest_.call(XS_READ, nul_terminated({"x"})).payload, std::string("va\0l", 4));
}

TEST_F(XenStoreWireTest, Write_WithoutAValue_IsAnEmptyOne) {
  EXPECT_EQ(guest_.call(XS_WRITE, nul_terminated({"x"})).header.type, uint32_t{XS_WRITE});
  EXPECT_EQ(guest_.call(XS_READ, nul_terminated({"x"})).payload, "");
}

TEST_F(XenStoreWireTest, MkdirDirectoryRm_GoThrough) {
  EXPECT_EQ(say(XS_MKDIR, {"b"}), "OK");
  EXPECT_EQ(say(XS_MKDIR, {"a/c"}), "OK");
  EXPECT_EQ(guest_.call(XS_DIRECTORY, nul_terminated({"/local/domain/1"})).payload, nul_terminated({"a", "b"}));
  EXPECT_EQ(say(XS_RM, {"a"}), "OK");
  EXPECT_EQ(guest_.call(XS_DIRECTORY, nul_terminated({"/local/domain/1"})).payload, nul_terminated({"b"}));
  EXPECT_EQ(guest_.call(XS_DIRECTORY, nul_terminated({"b"})).payload, "");
}

TEST_F(XenStoreWireTest, Perms_GoThrough) {
  EXPECT_EQ(say(XS_MKDIR, {"a"}), "OK");
  EXPECT_EQ(say(XS_SET_PERMS, {"a", "n1", "r2", "b3"}), "OK");
  EXPECT_EQ(guest_.call(XS_GET_PERMS, nul_terminated({"a"})).payload, nul_terminated({"n1", "r2", "b3"}));
  EXPECT_EQ(say(XS_SET_PERMS, {"a"}), "EINVAL");
  EXPECT_EQ(say(XS_SET_PERMS, {"a", "x1"}), "EINVAL");
  EXPECT_EQ(say(XS_SET_PERMS, {"a", "n2"}), "EPERM");
}

TEST_F(XenStoreWireTest, Errors_AreNames) {
  const StoreMessage reply = guest_.call(XS_READ, nul_terminated({"x"}));
  EXPECT_EQ(reply.header.type, uint32_t{XS_ERROR});
  EXPECT_EQ(reply.payload, nul_terminated({"ENOENT"}));
  EXPECT_EQ(say(XS_READ, {"/x"}), "EACCES");
  EXPECT_EQ(say(XS_WRITE, {"x", std::string(2049, 'a')}), "ENOSPC");
}

TEST_F(XenStoreWireTest, Payload_NotAsItMustBe_IsEinval) {
  for (const uint32_t type : {XS_READ, XS_DIRECTORY, XS_GET_PERMS, XS_MKDIR, XS_RM, XS_TRANSACTION_END,
                              XS_GET_DOMAIN_PATH, XS_IS_DOMAIN_INTRODUCED}) {
    for (const std::string& payload :
         {std::string(), std::string("x"), nul_terminated({"x", "y"}), nul_terminated({""})}) {
      EXPECT_EQ(guest_.call(type, payload).payload, nul_terminated({"EINVAL"})) << type;
    }
  }
  for (const uint32_t type : {XS_WRITE, XS_SET_PERMS, XS_WATCH, XS_UNWATCH, XS_DIRECTORY_PART}) {
    for (const std::string& payload : {std::string(), std::string("x"), std::string("x/\0y\0", 5)}) {
      EXPECT_EQ(guest_.call(type, payload).payload, nul_terminated({"EINVAL"})) << type;
    }
  }
}

TEST_F(XenStoreWireTest, PrivilegedTypes_AreEacces) {
  for (const uint32_t type : {XS_CONTROL, XS_INTRODUCE, XS_RELEASE, XS_RESUME, XS_SET_TARGET}) {
    EXPECT_EQ(say(type, {"1"}), "EACCES") << type;
  }
}

TEST_F(XenStoreWireTest, UnknownTypes_AreEnosys) {
  for (const uint32_t type : {uint32_t{XS_WATCH_EVENT}, uint32_t{XS_ERROR}, uint32_t{XS_SET_TARGET} + 1,
                              uint32_t{XS_TYPE_COUNT}, uint32_t{XS_INVALID}, UINT32_MAX}) {
    EXPECT_EQ(say(type, {"1"}), "ENOSYS") << type;
  }
}

TEST_F(XenStoreWireTest, Watch_ReplyFirst_ThenTheEvent) {
  guest_.connection().feed(encode(XS_WATCH, nul_terminated({"a", "token"}), 5));
  std::vector<std::byte> stream = guest_.connection().take_output(1000);
  const std::vector<StoreMessage> messages = decode(stream);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].header.type, uint32_t{XS_WATCH});
  EXPECT_EQ(messages[0].header.req_id, 5u);
  EXPECT_EQ(messages[1].header.type, uint32_t{XS_WATCH_EVENT});
  EXPECT_EQ(messages[1].header.req_id, 0u);
  EXPECT_EQ(messages[1].payload, nul_terminated({"a", "token"}));
}

TEST_F(XenStoreWireTest, Watch_HearsOfOthers_UntilUnwatch) {
  EXPECT_EQ(say(XS_WATCH, {"a", "t"}), "OK");
  EXPECT_EQ(say(XS_WATCH, {"a", "t"}), "EEXIST");
  EXPECT_THAT(guest_.events(), ElementsAre("a t"));
  EXPECT_EQ(store_.write({DomId{0}}, "/local/domain/1/a/b", "1"), 0);
  EXPECT_THAT(guest_.events(), ElementsAre("a/b t"));
  EXPECT_EQ(say(XS_UNWATCH, {"a", "t"}), "OK");
  EXPECT_EQ(say(XS_UNWATCH, {"a", "t"}), "ENOENT");
  EXPECT_EQ(store_.write({DomId{0}}, "/local/domain/1/a/b", "2"), 0);
  EXPECT_THAT(guest_.events(), IsEmpty());
}

TEST_F(XenStoreWireTest, ResetWatches_DropsThem) {
  EXPECT_EQ(say(XS_WATCH, {"a", "t"}), "OK");
  EXPECT_EQ(say(XS_RESET_WATCHES, {""}), "OK");
  EXPECT_EQ(say(XS_UNWATCH, {"a", "t"}), "ENOENT");
}

TEST_F(XenStoreWireTest, Transaction_GoesThrough) {
  const auto tx_id = static_cast<uint32_t>(std::stoul(say(XS_TRANSACTION_START, {""})));
  EXPECT_NE(tx_id, 0u);
  EXPECT_EQ(say(XS_WRITE, {"a", "1"}, tx_id), "OK");
  EXPECT_EQ(say(XS_TRANSACTION_START, {""}, tx_id), "EBUSY");
  EXPECT_EQ(say(XS_READ, {"a"}), "ENOENT");
  EXPECT_EQ(say(XS_TRANSACTION_END, {"X"}, tx_id), "EINVAL");
  EXPECT_EQ(say(XS_TRANSACTION_END, {"T"}, tx_id), "OK");
  EXPECT_EQ(say(XS_READ, {"a"}), "1");
  EXPECT_EQ(say(XS_READ, {"a"}, tx_id), "ENOENT");
}

TEST_F(XenStoreWireTest, Transaction_Conflict_IsEagain) {
  const auto tx_id = static_cast<uint32_t>(std::stoul(say(XS_TRANSACTION_START, {""})));
  EXPECT_EQ(say(XS_READ, {"a"}, tx_id), "ENOENT");
  EXPECT_EQ(say(XS_WRITE, {"a", "1"}), "OK");
  EXPECT_EQ(say(XS_TRANSACTION_END, {"T"}, tx_id), "EAGAIN");
}

TEST_F(XenStoreWireTest, DomainQuestions_AreAnswered) {
  EXPECT_EQ(say(XS_GET_DOMAIN_PATH, {"007"}), "/local/domain/7");
  EXPECT_EQ(say(XS_IS_DOMAIN_INTRODUCED, {"1"}), "T");
  EXPECT_EQ(say(XS_IS_DOMAIN_INTRODUCED, {"2"}), "F");
  EXPECT_EQ(say(XS_IS_DOMAIN_INTRODUCED, {std::to_string(DOMID_SELF)}), "T");
  EXPECT_EQ(say(XS_IS_DOMAIN_INTRODUCED, {"65536"}), "EINVAL");
}

TEST_F(XenStoreWireTest, Answer_LongerThanAMessage_IsE2big) {
  EXPECT_EQ(store_.write({DomId{0}}, "/local/domain/1/x", std::string(4096, 'a')), 0);
  EXPECT_EQ(guest_.call(XS_READ, nul_terminated({"x"})).payload.size(), 4096u);
  EXPECT_EQ(store_.write({DomId{0}}, "/local/domain/1/x", std::string(4097, 'a')), 0);
  EXPECT_EQ(say(XS_READ, {"x"}), "E2BIG");
}

TEST_F(XenStoreWireTest, DirectoryPart_GivesTheWholeListInParts) {
  std::set<std::string> names;
  for (int i = 0; i < 600; ++i) names.insert("child-number-" + std::to_string(i));
  for (const std::string& name : names) EXPECT_EQ(store_.mkdir({DomId{0}}, "/local/domain/1/d/" + name), 0);
  EXPECT_EQ(say(XS_DIRECTORY, {"d"}), "E2BIG");

  std::string list;
  std::set<std::string> generations;
  unsigned parts = 0;
  while (!list.ends_with(std::string_view("\0\0", 2)) && ++parts < 10) {
    std::string part = guest_.call(XS_DIRECTORY_PART, nul_terminated({"d", std::to_string(list.size())})).payload;
    generations.insert(part.substr(0, part.find('\0')));
    list += part.substr(part.find('\0') + 1);
  }
  std::string expected;
  for (const std::string& name : names) expected += name + '\0';
  EXPECT_EQ(list, expected + '\0');
  EXPECT_EQ(generations.size(), 1u);
  EXPECT_EQ(parts, 3u);
}

TEST_F(XenStoreWireTest, DirectoryPart_AFullMessage_AndOneByteMore) {
  const std::string home = "/local/domain/1/";
  const auto part_with = [&](const std::string& name, size_t extra) {
    EXPECT_EQ(store_.mkdir({DomId{0}}, home + name + "/" + std::string(2000, 'a')), 0);
    const size_t generation_bytes = std::to_string(store_.generation() + 1).size() + 1;
    const size_t rest = XENSTORE_PAYLOAD_MAX - generation_bytes - 2001 - 2 + extra;
    EXPECT_EQ(store_.mkdir({DomId{0}}, home + name + "/" + std::string(rest, 'b')), 0);
    return guest_.call(XS_DIRECTORY_PART, nul_terminated({name, "0"})).payload;
  };
  const std::string full = part_with("full", 0);
  EXPECT_EQ(full.size(), size_t{XENSTORE_PAYLOAD_MAX});
  EXPECT_TRUE(full.ends_with(std::string_view("b\0\0", 3)));
  EXPECT_TRUE(part_with("over", 1).ends_with(std::string_view("a\0", 2)));
}

TEST_F(XenStoreWireTest, DirectoryPart_OddOffsets) {
  EXPECT_EQ(say(XS_MKDIR, {"d/abc"}), "OK");
  const auto rest = [&](std::string_view offset) {
    const std::string part = guest_.call(XS_DIRECTORY_PART, nul_terminated({"d", offset})).payload;
    return part.substr(part.find('\0') + 1);
  };
  EXPECT_EQ(rest("0"), nul_terminated({"abc", ""}));
  EXPECT_EQ(rest("1"), nul_terminated({"bc", ""}));
  EXPECT_EQ(rest("4"), nul_terminated({""}));
  EXPECT_EQ(rest("18446744073709551615"), nul_terminated({""}));
  for (const char* offset : {"", "-1", "1x", "18446744073709551616"})
    EXPECT_EQ(say(XS_DIRECTORY_PART, {"d", offset}), "EINVAL");
}

TEST_F(XenStoreWireTest, Stream_MayArriveByteByByte_OrAllAtOnce) {
  std::vector<std::byte> stream;
  for (uint32_t req_id = 1; req_id <= 3; ++req_id) {
    const std::vector<std::byte> message = encode(XS_MKDIR, nul_terminated({"a"}), req_id);
    stream.insert(stream.end(), message.begin(), message.end());
  }
  XenStoreConnection& connection = guest_.connection();
  for (const std::byte& byte : stream) connection.feed(std::span(&byte, 1));
  connection.feed(stream);
  std::vector<std::byte> output = connection.take_output(10000);
  const std::vector<StoreMessage> replies = decode(output);
  ASSERT_EQ(replies.size(), 6u);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(replies[i].header.req_id, i % 3 + 1);
}

TEST_F(XenStoreWireTest, Payload_AtTheLimit_IsRead) {
  EXPECT_EQ(guest_.call(XS_WRITE, std::string(XENSTORE_PAYLOAD_MAX, 'x')).payload, nul_terminated({"EINVAL"}));
  EXPECT_EQ(guest_.connection().broken(), "");
}

TEST_F(XenStoreWireTest, Payload_OverTheLimit_BreaksTheConnection) {
  EXPECT_EQ(say(XS_WATCH, {"a", "t"}), "OK");
  XenStoreConnection& connection = guest_.connection();
  connection.feed(encode(XS_READ, nul_terminated({"a"})));
  std::vector<std::byte> evil = encode(XS_READ, std::string(XENSTORE_PAYLOAD_MAX + 1, 'x'));
  evil.resize(sizeof(xsd_sockmsg));
  connection.feed(evil);
  EXPECT_THAT(connection.broken(), HasSubstr("4097"));
  connection.feed(encode(XS_WRITE, std::string("a\0001", 3)));
  EXPECT_EQ(store_.write({DomId{0}}, "/local/domain/1/a", ""), 0);
  EXPECT_THAT(connection.take_output(1000), IsEmpty());
  EXPECT_FALSE(store_.watches().watchers().contains(DomId{1}));

  connection.reset();
  EXPECT_EQ(say(XS_READ, {"a"}), "");
}

TEST_F(XenStoreWireTest, Events_OfAGuestThatDoesNotRead_StayInTheStore) {
  EXPECT_EQ(say(XS_WATCH, {"a", std::string(2000, 't')}), "OK");
  EXPECT_EQ(guest_.events().size(), 1u);
  XenStoreConnection& connection = guest_.connection();
  for (int i = 0; i < 200; ++i) EXPECT_EQ(store_.mkdir({DomId{0}}, "/local/domain/1/a/" + std::to_string(i)), 0);
  EXPECT_EQ(connection.take_output(1).size(), 1u);
  EXPECT_TRUE(connection.is_backlogged());
  EXPECT_TRUE(store_.has_event(DomId{1}));
}

}  // namespace
}  // namespace assay
