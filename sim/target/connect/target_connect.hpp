/// Target `connect:ADDRESS`: any hypervisor whose privileged domain runs the agent, over the byte stream of its
/// console.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "sim/target/connect/byte_stream.hpp"
#include "sim/target/target.hpp"

namespace assay {

struct ConnectOptions {
  connect::StreamAddress address;
  std::string name;                  ///< the address as people wrote it
  std::filesystem::path dom0_image;  ///< the image that the subject was booted with
  std::filesystem::path guest_image;
  /// A shell command that resets the subject, when its privileged domain is not as after boot any more, or it died.
  /// Empty: there is none, and cases that would need a fresh boot are errors that say so.
  std::string restart_command;
};

/// Throws TargetUnavailable when nobody is at the address, TargetDied when no agent answers there.
std::unique_ptr<Target> make_connect_target(const ConnectOptions& options);

}  // namespace assay
