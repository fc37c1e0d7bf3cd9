#include "conformance/runner/false_answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "conformance/runner/grade_case.hpp"
#include "sim/abi/describe.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

using nlohmann::json;

/// A case that waits for what a false answer keeps from coming must end some time.
constexpr uint64_t kOperationsMax = 200'000;
/// So many answers of a case are falsified in each way. Races repeat the same few calls in every round.
constexpr uint64_t kTriesMax = 64;

bool can_be_not_done(const GuestRequest& request) {
  return request.op == ASSAY_OP_HYPERCALL || request.op == ASSAY_OP_WRMSR;
}

bool can_be_wrong(const GuestRequest& request) {
  switch (request.op) {
    case ASSAY_OP_HYPERCALL:
    case ASSAY_OP_READ:
    case ASSAY_OP_ATOMIC:
    case ASSAY_OP_CPUID:
    case ASSAY_OP_RDMSR:
    case ASSAY_OP_TIME:
    case ASSAY_OP_UPCALL_RECORD:
    case ASSAY_OP_WAIT_UPCALL:
    case ASSAY_OP_EXECUTE:
      return true;
    default:
      return false;
  }
}

bool can_be(Falsehood falsehood, const GuestRequest& request) {
  return falsehood == Falsehood::kNotDone ? can_be_not_done(request) : can_be_wrong(request);
}

void falsify_result(GuestReply& reply) {
  const auto result = static_cast<int64_t>(reply.value[0]);
  if (reply.status == ASSAY_STATUS_FAULT) reply = GuestReply{};
  reply.value[0] = result == 0 ? static_cast<uint64_t>(-XEN_EINVAL) : result < 0 ? 0 : reply.value[0] + 1;
}

void invert(std::span<std::byte> bytes) {
  for (std::byte& byte : bytes) byte = ~byte;
}

void falsify(const GuestRequest& request, GuestReply& reply) {
  switch (request.op) {
    case ASSAY_OP_HYPERCALL:
      return falsify_result(reply);
    case ASSAY_OP_WAIT_UPCALL:
      reply.status = reply.status == ASSAY_STATUS_OK ? ASSAY_STATUS_TIMED_OUT : ASSAY_STATUS_OK;
      return;
    case ASSAY_OP_UPCALL_RECORD:
      ++reply.value[0];
      return;
    case ASSAY_OP_TIME:
      reply.value = {};
      return;
    default:
      if (reply.status == ASSAY_STATUS_FAULT) {
        reply = GuestReply{};
        return;
      }
      invert(request.out);
      for (uint64_t& value : reply.value) value = ~value;
      return;
  }
}

std::string describe(Falsehood falsehood, const Vcpu& vcpu, const GuestRequest& request) {
  std::string what = fmt::format("operation {}", static_cast<uint32_t>(request.op));
  if (request.op == ASSAY_OP_HYPERCALL) {
    const auto call = hypercall_name(request.arg[0]);
    const auto operation = operation_name(request.arg[0], request.arg[1]);
    what = operation ? std::string(operation->name)
                     : (call ? std::string(*call) : fmt::format("hypercall {}", request.arg[0]));
  } else if (request.op == ASSAY_OP_READ) {
    what = fmt::format("{} bytes at {:#x}", request.arg[1], request.arg[0]);
  }
  return fmt::format("d{}v{} {} {}", vcpu.domain().id().raw(), vcpu.id(), what,
                     falsehood == Falsehood::kNotDone ? "not done" : "wrong");
}

/// Counts what can be falsified, and falsifies number `index` of it.
class Falsifier final : public CaseSteps {
 public:
  explicit Falsifier(Falsehood falsehood, uint64_t index = UINT64_MAX) : falsehood_(falsehood), index_(index) {}

  bool stands_in(const Vcpu& vcpu, const GuestRequest& request, GuestReply& /*reply*/) override {
    if (++operations_ > kOperationsMax) throw HarnessFault("a case without end");
    return falsehood_ == Falsehood::kNotDone && is_turn(vcpu, request);
  }
  void on_operation(const Vcpu& vcpu, const GuestRequest& request, GuestReply& reply) override {
    if (falsehood_ == Falsehood::kWrong && is_turn(vcpu, request)) falsify(request, reply);
    CaseSteps::on_operation(vcpu, request, reply);
  }
  void on_start(const Vcpu& vcpu, const GuestRequest& request) override {
    if (falsehood_ == Falsehood::kWrong && is_turn(vcpu, request)) {
      pending_ = &vcpu;
      pending_request_ = request;
    }
    CaseSteps::on_start(vcpu, request);
  }
  void on_finish(const Vcpu& vcpu, GuestReply& reply) override {
    if (pending_ == &vcpu) falsify(pending_request_, reply);
    CaseSteps::on_finish(vcpu, reply);
  }

  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] const std::string& falsified() const { return falsified_; }

 private:
  bool is_turn(const Vcpu& vcpu, const GuestRequest& request) {
    if (is_paused() || !can_be(falsehood_, request)) return false;
    if (count_++ != index_) return false;
    falsified_ = fmt::format("{}: {}", index_, describe(falsehood_, vcpu, request));
    return true;
  }

  Falsehood falsehood_;
  uint64_t index_;
  uint64_t count_ = 0;
  uint64_t operations_ = 0;
  std::string falsified_;
  const Vcpu* pending_ = nullptr;
  GuestRequest pending_request_;
};

void try_one(Target& target, const Variant& variant, uint64_t seed, const std::shared_ptr<Falsifier>& falsifier,
             FalseAnswerTally& tally) {
  const CaseResult result = grade_case(target, variant, seed, falsifier);
  ++tally.tried;
  switch (result.verdict) {
    case Verdict::kFail:
    case Verdict::kCrash:
    case Verdict::kTimeout:
      ++tally.noticed;
      return;
    case Verdict::kError:
      ++tally.upset;
      return;
    default:
      tally.unnoticed.push_back(falsifier->falsified());
  }
}

std::string encode_tally(const FalseAnswerTally& tally) {
  // Of what guests read, nothing in a description is the subject's own text.
  const json encoded{{"tried", tally.tried},
                     {"noticed", tally.noticed},
                     {"upset", tally.upset},
                     {"unnoticed", tally.unnoticed}};
  return encoded.dump();
}

}  // namespace

CaseResult try_false_answers(Target& target, const Variant& variant, uint64_t root_seed) {
  FalseAnswerTally tally;
  CaseResult result;
  for (const Falsehood falsehood : {Falsehood::kNotDone, Falsehood::kWrong}) {
    const auto counter = std::make_shared<Falsifier>(falsehood);
    result = grade_case(target, variant, root_seed, counter);
    if (result.verdict != Verdict::kPass) return result;
    const uint64_t tries = std::min(counter->count(), kTriesMax);
    for (uint64_t i = 0; i < tries; ++i) {
      const uint64_t index = i * counter->count() / tries;  // evenly spread
      try_one(target, variant, root_seed, std::make_shared<Falsifier>(falsehood, index), tally);
    }
  }
  result = CaseResult{};
  result.verdict = tally.noticed != 0 ? Verdict::kPass : Verdict::kFail;
  result.message = encode_tally(tally);
  return result;
}

std::optional<FalseAnswerTally> tally_of(const CaseResult& result) {
  const json read = json::parse(result.message, nullptr, false);
  if (read.is_discarded() || !read.is_object() || !read.contains("tried")) return std::nullopt;
  FalseAnswerTally tally;
  read.at("tried").get_to(tally.tried);
  read.at("noticed").get_to(tally.noticed);
  read.at("upset").get_to(tally.upset);
  read.at("unnoticed").get_to(tally.unnoticed);
  return tally;
}

}  // namespace assay
