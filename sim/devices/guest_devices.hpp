/// The devices that domain 0 serves one guest with: console and store.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sim/devices/console_log.hpp"
#include "sim/devices/rings.hpp"
#include "sim/devices/xenstore.hpp"

namespace assay {

class GuestDevices {
 public:
  /// A shared page, and the port of domain 0 that goes with it.
  struct Ring {
    SharedPage page;
    uint32_t port;
  };
  using Notify = std::function<void(uint32_t port)>;

  /// The store has what a toolstack writes into it for a new domain.
  GuestDevices(DomId guest, uint64_t memory_mib, Ring console, Ring store);
  GuestDevices(const GuestDevices&) = delete;
  GuestDevices& operator=(const GuestDevices&) = delete;
  ~GuestDevices();

  /// Takes what the guest wrote and asked, and answers; `notify` is called where it should get an event.
  void serve(const Notify& notify);
  /// Has the store ask the guest to suspend itself, as toolstacks do.
  void ask_to_suspend();
  /// What is left in the console of a guest that has ended.
  void take_rest() { log_.append(console_.take_output()); }
  /// What the guest will read from its console.
  void type(std::string_view text) { typed_ += text; }
  [[nodiscard]] const ConsoleLog& console() const { return log_; }
  /// Why a device is not served any more, in lines.
  [[nodiscard]] std::string broken() const;

  /// All but the pages.
  struct State;
  [[nodiscard]] std::shared_ptr<const State> state() const;
  void set_state(const State& state);

 private:
  void introduce(uint64_t memory_mib);

  DomId guest_;
  XenStore store_;
  XenStoreConnection connection_;
  uint32_t console_port_, store_port_;
  ConsoleRing console_;
  StoreRing store_ring_;
  ConsoleLog log_;
  std::string typed_;
};

}  // namespace assay
