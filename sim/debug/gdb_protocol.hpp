/// What each packet of gdb's remote protocol means for a debuggee: text in, text out, no stream.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/debug/debuggee.hpp"
#include "sim/debug/gdb_text.hpp"

namespace assay::debug {

/// What to do about a request.
struct GdbAnswer {
  enum class Then : uint8_t { kGoOn, kStopAcknowledging, kDetach, kKill };
  std::vector<std::string> packets;  ///< to send, in this order; an empty text says that the request is unknown
  Then then = Then::kGoOn;
};

/// One conversation with one debugger. Requests that do not parse are refused and change nothing.
/// Source: GDB manual, Remote Protocol: Packets, Stop Reply Packets, General Query Packets.
class GdbProtocol {
 public:
  /// Breakpoints and watchpoints at a time.
  static constexpr size_t kPointsMax = 1024;
  /// Refusals, as errno values where one fits.
  static constexpr const char* kMalformed = "E01";
  static constexpr const char* kNoMemory = "E0e";
  static constexpr const char* kRefused = "E16";
  static constexpr const char* kTooMany = "E1c";

  explicit GdbProtocol(Debuggee& debuggee);

  /// `interrupted` is handed to the debuggee while it runs.
  GdbAnswer handle(std::string_view request, const std::function<bool()>& interrupted);
  /// Takes back all breakpoints and watchpoints: the machine is as nobody looked at it.
  void clear_points();

 private:
  using Reply = std::string;
  struct Query {
    const char* name;
    Reply (GdbProtocol::*answer)(TextReader);
  };
  static const Query kQueries[];

  Reply dispatch(std::string_view request);
  Reply named(std::string_view request);

  // gdb_protocol.cpp
  Reply read_registers();
  Reply write_registers(TextReader arguments);
  Reply read_register(TextReader arguments);
  Reply write_register(TextReader arguments);
  Reply read_memory(TextReader arguments);
  Reply read_memory_binary(TextReader arguments);
  Reply write_memory(TextReader arguments);
  Reply write_memory_binary(TextReader arguments);
  Reply set_point(TextReader arguments);
  Reply clear_point(TextReader arguments);
  Reply choose_thread(TextReader arguments);
  Reply thread_alive(TextReader arguments);
  Reply detach();
  Reply kill();

  // gdb_queries.cpp
  Reply supported(TextReader arguments);
  Reply stop_acknowledging(TextReader arguments);
  Reply kill_process(TextReader arguments);
  Reply description(TextReader arguments);
  Reply thread_document(TextReader arguments);
  Reply first_threads(TextReader arguments);
  Reply more_threads(TextReader arguments);
  Reply thread_name(TextReader arguments);
  Reply current_thread(TextReader arguments);
  Reply attached(TextReader arguments);
  Reply monitor(TextReader arguments);

  // gdb_resume.cpp
  Reply resume_forms(TextReader arguments);
  Reply resume_actions(TextReader arguments);
  Reply resume_at(TextReader arguments, bool step, bool signal);
  Reply resume_backward(TextReader arguments);
  Reply resume(Direction direction, std::optional<ThreadId> step);
  Reply stop_reply();
  [[nodiscard]] Reply stop_of_thread(const std::string& reason) const;

  std::optional<std::vector<std::byte>> memory(TextReader& arguments, Reply& refusal);
  Reply store(const Range& range, std::span<const std::byte> bytes);
  Reply store(const Registers& registers);
  /// The thread that registers and memory are of.
  [[nodiscard]] ThreadId chosen() const { return chosen_ != kNoThread ? chosen_ : current_; }
  bool exists(uint64_t thread);
  /// Text for the user, ahead of the answer.
  void say(std::string_view text);

  Debuggee& debuggee_;
  const std::function<bool()>* interrupted_ = nullptr;  ///< while a request is handled
  GdbAnswer answer_;                                    ///< to that request, so far
  Stop last_stop_;
  ThreadId current_ = kNoThread;  ///< that stopped last
  ThreadId chosen_ = kNoThread;   ///< by "Hg"
  ThreadId running_ = kNoThread;  ///< by "Hc": what "s" and "bs" step
  std::set<StopPoint> points_;
  bool tells_breakpoints_apart_ = false;  ///< the debugger understands swbreak and hwbreak
  std::string document_;                  ///< list of threads that is being read in pieces
  std::vector<ThreadId> unlisted_;        ///< threads that qsThreadInfo has yet to list
};

}  // namespace assay::debug
