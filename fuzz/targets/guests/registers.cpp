/// Hypercalls of guests with anything in their registers: numbers, sub-operations, pointers good and bad.
#include <algorithm>
#include <array>
#include <optional>

#include "fuzz/targets/guests/stage.hpp"
#include "fuzz/targets/entropy.hpp"
#include "fuzz/targets/fuzz_target.hpp"
#include "sim/abi/describe.hpp"
#include "sim/abi/xen.hpp"

namespace assay::fuzz {
namespace {

constexpr size_t kCallsMax = 16;
constexpr size_t kArguments = 5;
constexpr size_t kCallBytes = 48;
constexpr size_t kDataBytes = 24;
constexpr uint64_t kNumbers = 64;
constexpr uint64_t kCommands = 128;
/// Of virtual time, for a call that may block; who is not back then stays there.
constexpr uint64_t kCallNs = 2'000'000;

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

struct Call {
  uint8_t actor = 0;
  uint8_t number = 0;
  std::array<std::pair<uint8_t, uint8_t>, kArguments> argument{};  ///< source and choice
  std::array<char, 4> spare{};
  uint64_t wide = 0;
  std::array<char, kDataBytes> data{};
};
static_assert(sizeof(Call) == kCallBytes);

using Calls = std::vector<Call>;

Calls calls_from(std::string_view input) {
  Calls calls(std::min(input.size() / kCallBytes, kCallsMax));
  if (!calls.empty()) std::memcpy(calls.data(), input.data(), calls.size() * kCallBytes);
  return calls;
}

std::string to_input(const Calls& calls) {
  const size_t count = std::min(calls.size(), kCallsMax);
  return {reinterpret_cast<const char*>(calls.data()), count * kCallBytes};
}

/// One of the guests that call.
class Caller {
 public:
  Caller(Domain& domain, DomId peer) : domain_(&domain), peer_(peer), page_(domain.alloc_pages(2)) {}

  void begin() { is_gone_ = false; }
  void make(const Call& call) {
    if (is_gone_) return;
    try {
      if (domain_->vcpu(0).write_bytes(page_, std::as_bytes(std::span(call.data)))) return leave();
      std::array<uint64_t, kArguments> value{};
      for (size_t i = 0; i < kArguments; ++i) value[i] = value_of(call, call.argument[i]);
      domain_->vcpu(0).start_hypercall(call.number % kNumbers, {value[0], value[1], value[2], value[3], value[4]});
      if (!domain_->vcpu(0).finish_hypercall(kCallNs)) leave();
    } catch (const TargetDied& died) {
      must(died.how() == TargetDied::How::kDeadAgent, std::string("the core died: ") + died.what());
      leave();
    } catch (const HarnessFault&) {  // it is where no agent can be, or takes no operations any more
      leave();
    }
  }

 private:
  void leave() { is_gone_ = true; }
  [[nodiscard]] uint64_t value_of(const Call& call, std::pair<uint8_t, uint8_t> from) const {
    static constexpr std::array<uint64_t, 6> kBad{0,
                                                  0x8000'0000'0000'0000,
                                                  0xffff'8000'0000'0000,
                                                  0xffff'8300'0000'0000,
                                                  0x0000'7fff'ffff'f000,
                                                  0xffff'ffff'ffff'fff8};
    const uint8_t choice = from.second;
    switch (static_cast<Source>(from.first % static_cast<uint8_t>(Source::kCount))) {
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

  Domain* domain_;
  DomId peer_;
  Gva page_;
  uint64_t frame_ = domain_->gfn_of(page_).raw();
  bool is_gone_ = false;
};

class Callers {
 public:
  Callers() : stage_([this](HostTarget& target) { prepare(target); }) {}
  void run(std::string_view input) {
    stage_.reset();
    for (Caller& caller : callers_) caller.begin();
    for (const Call& call : calls_from(input)) callers_.at(call.actor % callers_.size()).make(call);
    try {
      stage_.check(input);
    } catch (const TargetDied& died) {
      must(false, std::string("the core died: ") + died.what());
    }
  }

 private:
  void prepare(HostTarget& target) {
    callers_.clear();
    Domain& pv = target.create_guest({.type = GuestType::kPv64});
    Domain& pvh = target.create_guest({.type = GuestType::kPvh});
    callers_ = {Caller(pv, pvh.id()), Caller(pvh, pv.id())};
  }
  std::vector<Caller> callers_;
  Stage stage_;
};

void run(std::string_view input) {
  static Callers callers;
  callers.run(input);
}

struct Row {
  uint8_t number, command, command_register;
};

/// Every sub-operation of the ABI.
const std::vector<Row>& rows() {
  static const std::vector<Row> all = [] {
    std::vector<Row> rows;
    for (uint64_t number = 0; number < kNumbers; ++number) {
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
  call.argument.at(row.command_register % kArguments) = {static_cast<uint8_t>(Source::kSmall), row.command};
  for (size_t i = 0; i < call.data.size(); ++i) {
    if (entropy.one_in(4)) call.data.at(i) = static_cast<char>(entropy.below(8));
  }
  if (entropy.one_in(2)) call.data[0] = '\xf0', call.data[1] = '\x7f';  // DOMID_SELF, where most structures have it
  return call;
}

void change(Calls& calls, Entropy& entropy) {
  if (calls.empty()) return calls.push_back(sensible_call(entropy));
  const size_t at = entropy.below(calls.size());
  Call& call = calls[at];
  switch (entropy.below(6)) {
    case 0:
      calls.insert(calls.begin() + static_cast<ptrdiff_t>(at), sensible_call(entropy));
      break;
    case 1:
      calls.erase(calls.begin() + static_cast<ptrdiff_t>(at));
      break;
    case 2:
      call.data.at(entropy.below(kDataBytes)) = static_cast<char>(entropy.below(256));
      break;
    case 3:
      call.argument.at(entropy.below(kArguments)) = {static_cast<uint8_t>(entropy.below(8)),
                                                     static_cast<uint8_t>(entropy.below(256))};
      break;
    case 4:
      call.data.at(entropy.below(kDataBytes)) = static_cast<char>(entropy.below(4));
      break;
    default:
      std::swap(call, calls[entropy.below(calls.size())]);
      break;
  }
}

std::string mutate(std::string_view input, Entropy& entropy) {
  constexpr size_t kChangesMax = 6;
  Calls calls = calls_from(input);
  for (size_t left = 1 + entropy.below(kChangesMax); left != 0; --left) change(calls, entropy);
  return to_input(calls);
}

std::string cross(std::string_view one, std::string_view other, Entropy& entropy) {
  Calls calls = calls_from(one);
  const Calls tail = calls_from(other);
  calls.resize(entropy.below(calls.size() + 1));
  calls.insert(calls.end(), tail.begin() + static_cast<ptrdiff_t>(entropy.below(tail.size() + 1)), tail.end());
  return to_input(calls);
}

const FuzzTarget kRegisters{{
    .name = "registers",
    .reads = "hypercalls with anything in their registers, of a PV64 and a PVH guest",
    .run = run,
    .bytes_max = kCallsMax * kCallBytes,
    .mutate = mutate,
    .cross = cross,
}};

}  // namespace
}  // namespace assay::fuzz
