#include "conformance/guest/mmu_ops.hpp"

#include <span>

namespace assay {
namespace {

// The first page holds the counter and the spare room, the rest the list.
constexpr uint64_t kListAt = kPageSize;

template <typename T>
void put_list(const Scratch& memory, const std::vector<T>& list) {
  if (list.empty()) return;
  if (memory.vcpu().write_bytes(memory.va(kListAt), std::as_bytes(std::span(list)))) {
    throw HarnessFault("cannot write the list of requests");
  }
}

}  // namespace

mmu_update_t MmuOps::request(Gfn table, unsigned index, uint64_t value, unsigned command) {
  return {table.raw() << kPageShift | index * sizeof(uint64_t) | command, value};
}

ListResult MmuOps::update(const std::vector<mmu_update_t>& list, uint32_t foreign) {
  if (list.size() > kUpdatesMax) throw HarnessFault("more updates than MmuOps::kUpdatesMax");
  put_list(memory_, list);
  return run(__HYPERVISOR_mmu_update, list.size(), foreign);
}

mmuext_op_t MmuOps::ext_request(unsigned command, uint64_t arg1, uint64_t arg2) {
  mmuext_op_t op{};
  op.cmd = command;
  op.arg1.mfn = arg1;
  op.arg2.src_mfn = arg2;
  return op;
}

ListResult MmuOps::ext(const std::vector<mmuext_op_t>& list, DomId owner) {
  if (list.size() > kExtsMax) throw HarnessFault("more operations than MmuOps::kExtsMax");
  put_list(memory_, list);
  return run(__HYPERVISOR_mmuext_op, list.size(), owner.raw());
}

ListResult MmuOps::run(uint32_t number, uint64_t count, uint32_t foreign) {
  const Gva done = memory_.put(kUntouched32);
  const int64_t result = memory_.vcpu().hypercall(number, {memory_.va(kListAt).raw(), count, done.raw(), foreign});
  return {result, memory_.get<uint32_t>()};
}

int64_t MmuOps::update_va(Gva va, uint64_t entry, uint64_t flags) {
  return memory_.vcpu().hypercall(__HYPERVISOR_update_va_mapping, {va.raw(), entry, flags});
}

int64_t MmuOps::update_va_other(Gva va, uint64_t entry, uint64_t flags, DomId owner) {
  return memory_.vcpu().hypercall(__HYPERVISOR_update_va_mapping_otherdomain, {va.raw(), entry, flags, owner.raw()});
}

}  // namespace assay
