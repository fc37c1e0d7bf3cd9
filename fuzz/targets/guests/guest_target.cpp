#include "fuzz/targets/guests/guest_target.hpp"

namespace assay::fuzz {

const std::array<GuestTarget, kGuestTargets>& guest_targets() {
  static const std::array<GuestTarget, kGuestTargets> all{domains_target(), events_target(),      grants_target(),
                                                          memory_target(),  page_tables_target(), registers_target()};
  return all;
}

std::string show_bytes(std::string_view name, std::string_view input) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = std::string(name) + ": ";
  for (const char byte : input) {
    text += kDigits[static_cast<uint8_t>(byte) / 16];
    text += kDigits[static_cast<uint8_t>(byte) % 16];
  }
  return text;
}

}  // namespace assay::fuzz
