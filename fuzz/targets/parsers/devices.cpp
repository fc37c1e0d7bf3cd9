/// What guests say to domain 0: the store's protocol, and the pages that console and store share with them.
#include <algorithm>
#include <cstring>
#include <memory>

#include "fuzz/targets/entropy.hpp"
#include "fuzz/targets/fuzz_target.hpp"
#include "sim/devices/device_abi.hpp"
#include "sim/devices/rings.hpp"
#include "sim/devices/store_audit.hpp"

namespace assay::fuzz {
namespace {

constexpr DomId kGuests[] = {DomId{1}, DomId{2}};

/// A store with a place for each guest, as the toolstack makes them.
class Store {
 public:
  Store() {
    for (const DomId guest : kGuests) {
      const std::string home = "/local/domain/" + std::to_string(guest.raw());
      static_cast<void>(store_.mkdir({DomId{0}}, home));
      static_cast<void>(store_.set_permissions({DomId{0}}, home, {{guest, StoreAccess::kNone}}));
      store_.introduce(guest);
    }
  }
  XenStore& operator*() { return store_; }
  void check() { must(audit(store_).empty(), "the store passes its audit"); }

 private:
  XenStore store_;
};

std::string message(InputReader& input) {
  xsd_sockmsg header{};
  header.type = input.number<uint8_t>() % (XS_TYPE_COUNT + 1);
  header.req_id = input.number<uint8_t>();
  header.tx_id = input.number<uint8_t>() % 4;
  const std::string_view payload = input.text(input.number<uint8_t>());
  header.len = static_cast<uint32_t>(payload.size());
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + std::string(payload);
}

/// Replies and events are whole messages; each request has its reply.
uint32_t count_replies(std::span<const std::byte> bytes) {
  uint32_t replies = 0;
  while (!bytes.empty()) {
    xsd_sockmsg header{};
    must(bytes.size() >= sizeof header, "a reply has a header");
    std::memcpy(&header, bytes.data(), sizeof header);
    must(header.len <= XENSTORE_PAYLOAD_MAX && header.len <= bytes.size() - sizeof header, "a reply is whole");
    if (header.type != XS_WATCH_EVENT) ++replies;
    bytes = bytes.subspan(sizeof header + header.len);
  }
  return replies;
}

void raw_requests(std::string_view input) {
  Store store;
  XenStoreConnection connection(*store, kGuests[0]);
  connection.feed(std::as_bytes(std::span(input)));
  count_replies(connection.take_output(SIZE_MAX));
  store.check();
}

void whole_requests(std::string_view input) {
  Store store;
  XenStoreConnection connections[] = {{*store, kGuests[0]}, {*store, kGuests[1]}};
  for (InputReader reader(input); !reader.is_empty();) {
    XenStoreConnection& connection = connections[reader.number<uint8_t>() % 2];
    const std::string request = message(reader);
    connection.feed(std::as_bytes(std::span(request)));
    must(count_replies(connection.take_output(SIZE_MAX)) == 1, "one request, one reply");
  }
  store.check();
}

struct Page {
  alignas(kPageSize) std::array<uint8_t, kPageSize> bytes{};
  void scribble(InputReader& input, std::span<const size_t> fields) {
    const size_t field = fields[input.number<uint8_t>() % fields.size()];
    const size_t at = field + input.number<uint8_t>() % 4;
    const std::string_view text = input.text(input.number<uint8_t>() % 64);
    std::copy_n(text.begin(), std::min(text.size(), bytes.size() - at), bytes.begin() + static_cast<ptrdiff_t>(at));
  }
};

void console_page(std::string_view input) {
  static constexpr size_t kFields[] = {offsetof(xencons_interface, in),       offsetof(xencons_interface, out),
                                       offsetof(xencons_interface, in_cons),  offsetof(xencons_interface, in_prod),
                                       offsetof(xencons_interface, out_cons), offsetof(xencons_interface, out_prod)};
  const auto page = std::make_unique<Page>();
  ConsoleRing ring(page->bytes);
  for (InputReader reader(input); !reader.is_empty();) {
    page->scribble(reader, kFields);
    const bool was_broken = !ring.broken().empty();
    must(ring.take_output().size() <= sizeof(xencons_interface::out), "no more than a ring holds");
    must(ring.put_input("typed\n") <= 6, "no more than was typed");
    must(!was_broken || !ring.broken().empty(), "a broken ring stays so");
  }
}

void store_page(std::string_view input) {
  using Interface = xenstore_domain_interface;
  static constexpr size_t kFields[] = {offsetof(Interface, req),       offsetof(Interface, rsp),
                                       offsetof(Interface, req_cons),  offsetof(Interface, req_prod),
                                       offsetof(Interface, rsp_cons),  offsetof(Interface, rsp_prod),
                                       offsetof(Interface, connection)};
  const auto page = std::make_unique<Page>();
  Store store;
  XenStoreConnection connection(*store, kGuests[0]);
  StoreRing ring(page->bytes);
  for (InputReader reader(input); !reader.is_empty();) {
    page->scribble(reader, kFields);
    ring.pump(connection);
  }
  store.check();
}

std::vector<std::string> words() {
  using namespace std::string_literals;
  return {"/local/domain/1\0"s,
          "/local/domain/2/a\0"s,
          "a/b\0"s,
          "@releaseDomain\0"s,
          "@introduceDomain\0"s,
          "T\0"s,
          "F\0"s,
          "n1\0"s,
          "b2\0"s,
          "token\0"s};
}

const FuzzTarget kStore{{
    .name = "store",
    .reads = "requests to the store: raw bytes, and whole requests of two guests",
    .run =
        [](std::string_view input) {
          raw_requests(input);
          whole_requests(input);
        },
    .bytes_max = 1024,
    .words = words,
}};

const FuzzTarget kRings{{
    .name = "rings",
    .reads = "pages that guests share with domain 0: rings of the console and the store",
    .run =
        [](std::string_view input) {
          console_page(input);
          store_page(input);
        },
    .bytes_max = 1024,
}};

}  // namespace
}  // namespace assay::fuzz
