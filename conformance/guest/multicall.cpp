#include "conformance/guest/multicall.hpp"

#include <algorithm>

namespace assay {

uint32_t Multicall::add(uint64_t number, std::initializer_list<uint64_t> args) {
  multicall_entry_t made{};
  if (count_ >= kEntriesMax) throw HarnessFault("more calls than Multicall::kEntriesMax");
  if (args.size() > std::size(made.args)) throw HarnessFault("a call of a multicall has at most six arguments");
  made.op = number;
  made.result = kUntouched64;
  std::copy(args.begin(), args.end(), std::begin(made.args));
  memory_.put(made, count_ * sizeof made);
  return count_++;
}

int64_t Multicall::raw(Gva entries, uint64_t count) {
  return memory_.vcpu().hypercall(__HYPERVISOR_multicall, {entries.raw(), count});
}

multicall_entry_t Multicall::entry(uint32_t index) const {
  return memory_.get<multicall_entry_t>(index * sizeof(multicall_entry_t));
}

}  // namespace assay
