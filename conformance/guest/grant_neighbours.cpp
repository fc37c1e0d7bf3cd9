#include "conformance/guest/grant_neighbours.hpp"

namespace assay {

GrantNeighbour::GrantNeighbour(CaseContext& c, Vcpu& vcpu) : table(c, vcpu), ops(vcpu), vcpu_(&vcpu) {
  for (uint32_t i = 0; i < kPages; ++i) {
    pages_.push_back(vcpu.domain().alloc_pages(1));
    frames_.push_back(vcpu.domain().gfn_of(pages_.back()));
  }
  for (uint32_t i = 0; i <= kWindows; ++i) windows_.push_back(grant_window(c, vcpu));
}

uint16_t GrantNeighbour::in_use(GrantRef ref) {
  if (table.version() == 1) return table.v1(ref).flags & kInUse;
  return vcpu_->read<grant_status_t>(table.status_word(ref)) & kInUse;
}

uint64_t GrantNeighbour::peek(Gva page, uint32_t index) {
  uint64_t word = 0;
  const auto fault = vcpu_->read_bytes(page + kWordAt.at(index), std::as_writable_bytes(std::span(&word, 1)));
  return fault ? ~uint64_t{0} : word;
}

bool GrantNeighbour::poke(Gva page, uint32_t index, uint64_t value) {
  return !vcpu_->write_bytes(page + kWordAt.at(index), std::as_bytes(std::span(&value, 1)));
}

}  // namespace assay
