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
  std::string restart{};         ///< connect: a shell command that resets what is at ADDRESS
  std::string guest = "direct";  ///< a core: "direct" or "unicorn", see HostOptions::Guests
  std::string fault{};           ///< hv: the name of a planted fault
  std::string edge_map{};        ///< xen: where QEMU notes what the hypervisor's code does, see XenOptions
};

/// "hv", "xen", "connect:ADDRESS" or the path of a core.
/// Throws InputError when there is no such target or file, the file is no core, the address is none, or there is no
/// such fault or the target has none.
TargetChoice choose_target(const std::string& name, const TargetWishes& wishes = {});

/// The bundled core as it is built with its planted faults, with one of them switched on; with none for an empty name.
TargetFactory make_faulty_core(const std::string& fault);

/// The shared object of "hv" or of the path of a core.
std::filesystem::path core_path(const std::string& name);

/// Where the Xen binary is looked for: $ASSAY_XEN, or the cache that tools/setup fills.
std::filesystem::path xen_binary();

}  // namespace assay
