/// What a case did, line by line: the evidence behind its verdict. Hypercalls with their decoded arguments and results,
/// what was read back, upcalls, faults, checks.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/target/target.hpp"

namespace assay {

struct CaseStep {
  std::string vcpu;  ///< "d1v0"; empty for checks and for work of the harness
  std::string kind;  ///< "hypercall", "read", "write", "fault", "upcall", "check", ...
  std::string text;
  bool failed = false;   ///< a check that did not hold
  uint32_t repeats = 1;  ///< the same line so many times in a row
};

class CaseSteps : public OperationObserver {
 public:
  /// The first and the last so many are kept; a line between them says how many are not.
  static constexpr size_t kFirstMax = 96;
  static constexpr size_t kLastMax = 64;

  void on_operation(const Vcpu& vcpu, const GuestRequest& request, GuestReply& reply) override;
  void on_start(const Vcpu& vcpu, const GuestRequest& request) override;
  void on_finish(const Vcpu& vcpu, GuestReply& reply) override;
  void on_check(std::string text, bool held);
  /// Work of the harness, such as building a guest, is one line instead of its operations.
  void pause(std::string what);
  void resume() { is_paused_ = false; }
  [[nodiscard]] bool is_paused() const { return is_paused_; }

  [[nodiscard]] std::vector<CaseStep> taken() const;

 private:
  using Bytes = std::vector<std::byte>;
  /// What a vCPU has written lately and what its last call was given: enough to decode arguments and outputs.
  struct Memory {
    std::vector<std::pair<uint64_t, Bytes>> written;  ///< the latest few
    uint64_t argument = 0;                            ///< of the last call; 0 = it had none
    uint64_t call_number = 0;
    uint64_t call_command = 0;
    std::string begun;  ///< a call or an instruction that has not returned
    std::string_view begun_kind;
    std::span<const std::byte> execution;  ///< where an instruction's end will be told; empty for calls
  };

  Memory& memory(const Vcpu& vcpu) { return memories_[{vcpu.domain().id().raw(), vcpu.id()}]; }
  void add(const Vcpu& vcpu, std::string_view kind, std::string text);
  void keep(CaseStep step);
  void flush_write();
  void note_call(const Vcpu& vcpu, const GuestRequest& request, const GuestReply& reply);
  void note_read(const Vcpu& vcpu, const GuestRequest& request);
  void note_write(const Vcpu& vcpu, const GuestRequest& request);
  std::string begin_call(const Vcpu& vcpu, const GuestRequest& request);

  std::map<std::pair<uint16_t, uint32_t>, Memory> memories_;
  std::vector<CaseStep> first_, last_;
  CaseStep unshown_write_;  ///< until it turns out not to be the argument of the next call
  uint64_t unshown_write_va_ = 0;
  uint64_t dropped_ = 0;
  bool is_paused_ = false;
};

}  // namespace assay
