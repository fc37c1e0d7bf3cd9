// The requests of GdbProtocol that let the machine run, and how it is told why it stopped.
#include "sim/debug/gdb_protocol.hpp"

namespace assay::debug {

namespace {

/// The signal that "C" and "S" would deliver: a vCPU has none, so it is read and dropped.
bool skip_signal(TextReader& arguments) {
  const auto signal = arguments.number();
  return signal && *signal <= 0xff;
}

const char* watch_name(PointKind kind) {
  switch (kind) {
    case PointKind::kWatchRead:
      return "rwatch:";
    case PointKind::kWatchAccess:
      return "awatch:";
    default:
      return "watch:";
  }
}

struct Action {
  bool step;
  uint64_t thread;  ///< kNoThread: any
};

/// "c", "s", "Csig" or "Ssig", with ":THREAD" behind it or not.
std::optional<Action> parse_action(TextReader text) {
  Action action{false, kNoThread};
  if (text.take("s")) {
    action.step = true;
  } else if (text.take("S")) {
    action.step = true;
    if (!skip_signal(text)) return std::nullopt;
  } else if (text.take("C")) {
    if (!skip_signal(text)) return std::nullopt;
  } else if (!text.take("c")) {
    return std::nullopt;
  }
  if (text.take(":") && !text.take("-1")) {
    const auto thread = text.number();
    if (!thread) return std::nullopt;
    action.thread = *thread;
  }
  if (!text.done()) return std::nullopt;
  return action;
}

}  // namespace

GdbProtocol::Reply GdbProtocol::resume_forms(TextReader) {
  return "vCont;c;C;s;S";
}

GdbProtocol::Reply GdbProtocol::resume_actions(TextReader arguments) {
  if (!arguments.take(";") || arguments.done()) return kMalformed;
  std::optional<ThreadId> step;
  while (!arguments.done()) {
    const auto action = parse_action(TextReader(arguments.until(';')));
    if (!action || (action->thread != kNoThread && !exists(action->thread))) return kMalformed;
    // Threads are not held back one by one: the machine runs until the one that steps has done so.
    if (action->step && !step) step = static_cast<ThreadId>(action->thread);
  }
  return resume(Direction::kForward, step);
}

GdbProtocol::Reply GdbProtocol::resume_at(TextReader arguments, bool step, bool signal) {
  if (signal && (!skip_signal(arguments) || (!arguments.done() && !arguments.take(";")))) return kMalformed;
  if (!arguments.done()) {
    const auto address = arguments.number();
    auto registers = debuggee_.registers(chosen());
    if (!address || !arguments.done() || !registers) return kMalformed;
    registers->rip = *address;
    if (!debuggee_.set_registers(chosen(), *registers)) return kRefused;
  }
  return resume(Direction::kForward, step ? std::optional(running_) : std::nullopt);
}

GdbProtocol::Reply GdbProtocol::resume_backward(TextReader arguments) {
  const bool step = arguments.take("s");
  if (!step && !arguments.take("c")) return "";
  if (!arguments.done()) return kMalformed;
  return resume(Direction::kBackward, step ? std::optional(running_) : std::nullopt);
}

GdbProtocol::Reply GdbProtocol::resume(Direction direction, std::optional<ThreadId> step) {
  if (step && *step == kNoThread) step = current_;
  if (step && !exists(*step)) return kMalformed;
  last_stop_ = debuggee_.resume({direction, step}, *interrupted_);
  chosen_ = running_ = kNoThread;
  if (exists(last_stop_.thread)) current_ = last_stop_.thread;
  if (!exists(current_)) {
    const std::vector<Thread> threads = debuggee_.threads();
    current_ = threads.empty() ? kNoThread : threads.front().id;
  }
  if (last_stop_.reason == Stop::Reason::kExited) say(last_stop_.text);
  return stop_reply();
}

GdbProtocol::Reply GdbProtocol::stop_reply() {
  switch (last_stop_.reason) {
    case Stop::Reason::kStep:
      return stop_of_thread("T05");
    case Stop::Reason::kBreakpoint:
      if (!tells_breakpoints_apart_) return stop_of_thread("T05");
      return stop_of_thread(last_stop_.kind == PointKind::kHardwareBreak ? "T05hwbreak:;" : "T05swbreak:;");
    case Stop::Reason::kWatchpoint:
      return stop_of_thread(std::string("T05") + watch_name(last_stop_.kind) + hex_number(last_stop_.address) + ";");
    case Stop::Reason::kInterrupted:
      return stop_of_thread("T02");
    case Stop::Reason::kBeginOfHistory:
      return stop_of_thread("T05replaylog:begin;");
    case Stop::Reason::kEndOfHistory:
      return stop_of_thread("T05replaylog:end;");
    case Stop::Reason::kExited:
      return "W00";
  }
  return kMalformed;
}

GdbProtocol::Reply GdbProtocol::stop_of_thread(const std::string& reason) const {
  return current_ == kNoThread ? reason : reason + "thread:" + hex_number(current_) + ";";
}

}  // namespace assay::debug
