#include "tools/cli/saved_trouble.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "sim/input/input_error.hpp"
#include "sim/saved/agent_guest.hpp"
#include "sim/saved/saved_files.hpp"
#include "sim/toolstack/migration/stream_error.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay {

namespace {

ExitCode tell(const std::exception& error, ExitCode code) {
  fmt::print(stderr, "assay: {}\n", error.what());
  return code;
}

}  // namespace

ExitCode tell_saved_trouble(const std::function<ExitCode()>& work) {
  try {
    return work();
  } catch (const Stopped&) {
    fmt::print(stderr, "assay: interrupted; no file was written\n");
    return kExitInterrupted;
  } catch (const migration::StreamError& error) {
    return tell(error, kExitBadInput);
  } catch (const CannotWrite& error) {
    return tell(error, kExitHarness);
  } catch (const GuestUncooperative& error) {
    return tell(error, kExitInconclusive);
  } catch (const TargetUnavailable& error) {
    return tell(error, kExitUnavailable);
  } catch (const ToolstackError& error) {
    return tell(error, kExitUnexpected);
  } catch (const TargetDied& error) {
    return tell(error, kExitUnexpected);
  }
}

void StoppableSink::write(std::span<const std::byte> bytes) {
  if (interruption_.has_arrived()) throw Stopped{};
  to_.write(bytes);
}

size_t StoppableSource::read(std::span<std::byte> out) {
  if (interruption_.has_arrived()) throw Stopped{};
  return from_.read(out);
}

}  // namespace assay
