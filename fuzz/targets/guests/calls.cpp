#include "fuzz/targets/guests/calls.hpp"

#include <algorithm>
#include <cstring>

#include "fuzz/targets/guests/call_batch.hpp"
#include "sim/abi/describe.hpp"
#include "sim/abi/xen.hpp"

namespace assay::fuzz {
namespace {

constexpr uint64_t kCommands = 128;

/// How a register gets its value.
enum class Source : uint8_t {
  kSmall,     ///< the choice itself
  kData,      ///< into the page of arguments, which begins with the data of the call
  kPageEnd,   ///< as many bytes in front of where that page ends
  kBad,       ///< no address of the guest's: null, not canonical, the hypervisor's, nowhere
  kWide,      ///< the wide value of the call
  kNegative,  ///< minus the choice
  kFrame,     ///< a frame of the guest's own
  kDomain,    ///< itself, its peer, domain 0, one that there is not
  kCount,
};

struct Row {
  uint8_t number, command, command_register;
};

/// Every sub-operation of the ABI.
const std::vector<Row>& rows() {
  static const std::vector<Row> all = [] {
    std::vector<Row> rows;
    for (uint64_t number = 0; number < kCallNumbers; ++number) {
      const int where = std::max(0, call_shape(number).command);
      for (uint64_t command = 0; command < kCommands; ++command) {
        if (!operation_name(number, command) && command != 0) continue;
        rows.push_back({static_cast<uint8_t>(number), static_cast<uint8_t>(command), static_cast<uint8_t>(where)});
      }
    }
    return rows;
  }();
  return all;
}

/// A call that means something, with pointers good more often than not.
Call sensible_call(Entropy& entropy) {
  const Row& row = rows().at(entropy.below(rows().size()));
  Call call;
  call.actor = static_cast<uint8_t>(entropy.below(2));
  call.number = row.number;
  call.wide = entropy.bits() >> entropy.below(64);
  for (auto& [source, choice] : call.argument) {
    source = static_cast<uint8_t>(entropy.one_in(2) ? Source::kData : static_cast<Source>(entropy.below(8)));
    choice = static_cast<uint8_t>(source == static_cast<uint8_t>(Source::kData) ? 0 : entropy.below(8));
  }
  call.argument.at(row.command_register % kCallArguments) = {static_cast<uint8_t>(Source::kSmall), row.command};
  for (size_t i = 0; i < call.data.size(); ++i) {
    if (entropy.one_in(4)) call.data.at(i) = static_cast<char>(entropy.below(8));
  }
  if (entropy.one_in(2)) call.data[0] = '\xf0', call.data[1] = '\x7f';  // DOMID_SELF, where most structures have it
  return call;
}

/// Mostly of the same guest as the next one: calls in a row of one guest take one message.
Call like_neighbour(Call call, const Call& neighbour, Entropy& entropy) {
  if (!entropy.one_in(4)) call.actor = neighbour.actor;
  return call;
}

void change(Calls& calls, Entropy& entropy) {
  if (calls.empty()) return calls.push_back(sensible_call(entropy));
  const size_t at = entropy.below(calls.size());
  Call& call = calls[at];
  switch (entropy.below(6)) {
    case 0:
      calls.insert(calls.begin() + static_cast<ptrdiff_t>(at), like_neighbour(sensible_call(entropy), call, entropy));
      break;
    case 1:
      calls.erase(calls.begin() + static_cast<ptrdiff_t>(at));
      break;
    case 2:
      call.data.at(entropy.below(kCallDataBytes)) = static_cast<char>(entropy.below(256));
      break;
    case 3:
      call.argument.at(entropy.below(kCallArguments)) = {static_cast<uint8_t>(entropy.below(8)),
                                                         static_cast<uint8_t>(entropy.below(256))};
      break;
    case 4:
      call.data.at(entropy.below(kCallDataBytes)) = static_cast<char>(entropy.below(4));
      break;
    default:
      std::swap(call, calls[entropy.below(calls.size())]);
      break;
  }
}

}  // namespace

Calls calls_from(std::string_view input) {
  Calls calls(input.size() / kCallBytes);
  if (!calls.empty()) std::memcpy(static_cast<void*>(calls.data()), input.data(), calls.size() * kCallBytes);
  return calls;
}

std::string to_input(const Calls& calls) {
  return {reinterpret_cast<const char*>(calls.data()), calls.size() * kCallBytes};
}

std::string mutate_calls(std::string_view input, Entropy& entropy) {
  constexpr size_t kChangesMax = 6;
  Calls calls = calls_from(input);
  for (size_t left = 1 + entropy.below(kChangesMax); left != 0; --left) change(calls, entropy);
  calls.resize(std::min(calls.size(), kCallsMax));
  return to_input(calls);
}

std::string cross_calls(std::string_view one, std::string_view other, Entropy& entropy) {
  Calls calls = calls_from(one);
  const Calls tail = calls_from(other);
  calls.resize(entropy.below(calls.size() + 1));
  calls.insert(calls.end(), tail.begin() + static_cast<ptrdiff_t>(entropy.below(tail.size() + 1)), tail.end());
  calls.resize(std::min(calls.size(), kCallsMax));
  return to_input(calls);
}

Caller::Caller(Domain& domain, DomId peer, uint64_t patience_ns, bool runs_machine_code)
    : domain_(&domain),
      peer_(peer),
      page_(domain.alloc_pages(2)),
      frame_(domain.gfn_of(page_).raw()),
      patience_ns_(patience_ns),
      batch_(runs_machine_code ? std::make_shared<CallBatch>(domain, page_) : nullptr) {}

template <typename Make>
void Caller::attempt(const Make& make) {
  if (is_gone_) return;
  try {
    is_gone_ = !make();
  } catch (const TargetDied& died) {
    if (died.how() != TargetDied::How::kDeadAgent) throw;
    is_gone_ = true;
  } catch (const HarnessFault&) {  // it is where no agent can be, or takes no operations any more
    is_gone_ = true;
  }
}

void Caller::make(const Call& call) {
  attempt([&] {
    Vcpu& vcpu = domain_->vcpu(0);
    if (vcpu.write_bytes(page_, std::as_bytes(std::span(call.data)))) return false;
    const auto value = values_of(call);
    vcpu.start_hypercall(call.number % kCallNumbers, {value[0], value[1], value[2], value[3], value[4]});
    return vcpu.finish_hypercall(patience_ns_).has_value();
  });
}

void Caller::make_all(std::span<const Call> calls) {
  if (batch_ == nullptr || calls.size() == 1) {
    for (const Call& call : calls) make(call);
    return;
  }
  std::vector<BatchedCall> batched;
  for (const Call& call : calls) {
    batched.push_back(batch_->with_entry(call.number % kCallNumbers));
    batched.back().value = values_of(call);
    batched.back().data = call.data;
  }
  attempt([&] { return batch_->run(batched, patience_ns_); });
}

std::array<uint64_t, kCallArguments> Caller::values_of(const Call& call) const {
  std::array<uint64_t, kCallArguments> value{};
  for (size_t i = 0; i < kCallArguments; ++i) value[i] = value_of(call, call.argument[i]);
  return value;
}

uint64_t Caller::value_of(const Call& call, CallArgument from) const {
  static constexpr std::array<uint64_t, 6> kBad{0,
                                                0x8000'0000'0000'0000,
                                                0xffff'8000'0000'0000,
                                                0xffff'8300'0000'0000,
                                                0x0000'7fff'ffff'f000,
                                                0xffff'ffff'ffff'fff8};
  const uint8_t choice = from.choice;
  switch (static_cast<Source>(from.source % static_cast<uint8_t>(Source::kCount))) {
    case Source::kData:
      return page_.raw() + choice % 64;
    case Source::kPageEnd:
      return page_.raw() + 2 * kPageSize - choice % 64;
    case Source::kBad:
      return kBad.at(choice % kBad.size()) + choice / kBad.size();
    case Source::kWide:
      return call.wide;
    case Source::kNegative:
      return 0 - uint64_t{choice};
    case Source::kFrame:
      return frame_;
    case Source::kDomain:
      return std::array<uint64_t, 5>{DOMID_SELF, peer_.raw(), domain_->id().raw(), 0, 0x7a00}.at(choice % 5);
    default:
      return choice;
  }
}

std::vector<Caller> make_callers(Target& target, uint64_t patience_ns) {
  GuestSpec spec;
  spec.type = GuestType::kPv64;
  Domain& pv = target.create_guest(spec);
  spec.type = GuestType::kPvh;
  Domain& pvh = target.create_guest(spec);
  const bool runs_machine_code = !target.has(Capability::kVirtualTime);  // guests in process need not
  return {Caller(pv, pvh.id(), patience_ns, runs_machine_code), Caller(pvh, pv.id(), patience_ns, runs_machine_code)};
}

void make_calls(std::vector<Caller>& callers, const Calls& calls) {
  for (const Call& call : calls) callers.at(call.actor % callers.size()).make(call);
}

}  // namespace assay::fuzz
