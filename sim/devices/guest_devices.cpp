#include "sim/devices/guest_devices.hpp"

namespace assay {

namespace {

constexpr StoreCaller kDom0{DomId{0}};

std::string home_of(DomId guest) {
  return "/local/domain/" + std::to_string(guest.raw());
}

}  // namespace

struct GuestDevices::State {
  XenStore store;
  XenStoreConnection connection;
  ConsoleRing console;
  StoreRing store_ring;
  ConsoleLog log;
  std::string typed;
};

GuestDevices::GuestDevices(DomId guest, uint64_t memory_mib, Ring console, Ring store)
    : guest_(guest),
      connection_(store_, guest),
      console_port_(console.port),
      store_port_(store.port),
      console_(console.page),
      store_ring_(store.page) {
  introduce(memory_mib);
}

GuestDevices::~GuestDevices() = default;

void GuestDevices::introduce(uint64_t memory_mib) {
  const std::string home = home_of(guest_);
  const auto put = [&](const std::string& path, const std::string& value, StoreAccess others) {
    static_cast<void>(store_.write(kDom0, home + path, value));
    // Owned by domain 0, readable by the guest; or the guest's own.
    const StorePermissions permissions = others == StoreAccess::kBoth
                                             ? StorePermissions{{guest_, StoreAccess::kNone}}
                                             : StorePermissions{{DomId{0}, StoreAccess::kNone}, {guest_, others}};
    static_cast<void>(store_.set_permissions(kDom0, home + path, permissions));
  };
  put("", "", StoreAccess::kRead);
  put("/name", "guest", StoreAccess::kRead);
  put("/domid", std::to_string(guest_.raw()), StoreAccess::kRead);
  put("/memory", "", StoreAccess::kRead);
  put("/memory/target", std::to_string(memory_mib << 10), StoreAccess::kRead);
  put("/memory/static-max", std::to_string(memory_mib << 10), StoreAccess::kRead);
  put("/console", "", StoreAccess::kRead);
  put("/console/type", "xenconsoled", StoreAccess::kRead);
  put("/control", "", StoreAccess::kBoth);
  put("/control/shutdown", "", StoreAccess::kBoth);
  put("/device", "", StoreAccess::kRead);
  put("/data", "", StoreAccess::kBoth);
  store_.introduce(guest_);
}

void GuestDevices::ask_to_suspend() {
  static_cast<void>(store_.write(kDom0, home_of(guest_) + "/control/shutdown", "suspend"));
}

void GuestDevices::serve(const Notify& notify) {
  const std::string output = console_.take_output();
  log_.append(output);
  size_t typed = 0;
  if (!typed_.empty()) {
    typed = console_.put_input(typed_);
    typed_.erase(0, typed);
  }
  if (!output.empty() || typed != 0) notify(console_port_);
  if (store_ring_.pump(connection_)) notify(store_port_);
}

std::string GuestDevices::broken() const {
  std::string text;
  if (!store_ring_.broken().empty()) text += "store: " + store_ring_.broken() + "\n";
  if (!console_.broken().empty()) text += "console: " + console_.broken() + "\n";
  return text;
}

std::shared_ptr<const GuestDevices::State> GuestDevices::state() const {
  return std::make_shared<State>(State{store_, connection_, console_, store_ring_, log_, typed_});
}

void GuestDevices::set_state(const State& state) {
  store_ = state.store;
  connection_ = state.connection;
  console_ = state.console;
  store_ring_ = state.store_ring;
  log_ = state.log;
  typed_ = state.typed;
}

}  // namespace assay
