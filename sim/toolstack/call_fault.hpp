/// Answers one hypercall of a privileged domain in the hypervisor's place: it fails.
#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>

#include "sim/target/target.hpp"

namespace assay::toolstack {

class CallFault final : public OperationObserver {
 public:
  static constexpr uint64_t kNone = ~uint64_t{0};

  /// The n-th call from now on fails, from 0; with kNone none does, and they are counted. `error`: what it answers, of
  /// errno.h.
  void arm(uint64_t call, int error = ENOMEM) {
    armed_ = call;
    error_ = error;
    calls_ = 0;
    struck_.reset();
  }
  [[nodiscard]] uint64_t calls() const { return calls_; }
  [[nodiscard]] bool has_struck() const { return armed_ != kNone && calls_ > armed_; }

  /// The number of the hypercall that failed.
  [[nodiscard]] std::optional<uint64_t> struck() const { return struck_; }

  bool stands_in(const Vcpu&, const GuestRequest& request, GuestReply& reply) override {
    if (request.op != ASSAY_OP_HYPERCALL || calls_++ != armed_) return false;
    struck_ = request.arg[0];
    reply = {};
    reply.value[0] = static_cast<uint64_t>(int64_t{-error_});
    return true;
  }
  void on_operation(const Vcpu&, const GuestRequest&, GuestReply&) override {}
  void on_start(const Vcpu&, const GuestRequest&) override {}
  void on_finish(const Vcpu&, GuestReply&) override {}

 private:
  uint64_t armed_ = kNone;
  uint64_t calls_ = 0;
  std::optional<uint64_t> struck_;
  int error_ = ENOMEM;
};

}  // namespace assay::toolstack
