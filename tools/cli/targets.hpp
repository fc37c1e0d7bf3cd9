/// From the name of a target on the command line to something that can make it.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "conformance/runner/worker_main.hpp"

namespace assay {

struct TargetChoice {
  std::string name;    ///< as given: it makes the reproduction line
  std::string folder;  ///< below --out, when there are several targets
  TargetFactory make;
  unsigned jobs;                         ///< that suit it
  std::chrono::milliseconds case_limit;  ///< likewise
  std::vector<std::string> claims;       ///< profiles, when the user names none
};

/// What only some kinds of target know.
struct TargetWishes {
  std::string restart;           ///< connect: a shell command that resets what is at ADDRESS
  std::string guest = "direct";  ///< a core: "direct" or "unicorn", see HostOptions::Guests
};

/// "hv", "xen", "connect:ADDRESS" or the path of a core.
/// Throws InputError when there is no such target or file, the file is no core, or the address is none.
TargetChoice choose_target(const std::string& name, const TargetWishes& wishes = {});

/// The shared object of "hv" or of the path of a core.
std::filesystem::path core_path(const std::string& name);

/// Where the Xen binary is looked for: $ASSAY_XEN, or the cache that tools/setup fills.
std::filesystem::path xen_binary();

}  // namespace assay
