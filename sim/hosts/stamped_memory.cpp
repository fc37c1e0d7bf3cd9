#include "sim/hosts/stamped_memory.hpp"

namespace assay::hosts {

StampedMemory::StampedMemory(Domain& guest, uint64_t pages, uint32_t vcpus, const Rng& random)
    : first_(guest.alloc_pages(pages)), generations_(pages), vcpus_(vcpus), random_(random) {
  for (uint64_t page = 0; page < pages; ++page) stamp(guest, page);
}

void StampedMemory::stamp(Domain& guest, uint64_t page) const {
  const Stamp stamp{page, generations_[page]};
  Vcpu& vcpu = guest.vcpu(static_cast<uint32_t>(page % vcpus_));
  vcpu.write(front(page), stamp);
  vcpu.write(back(page), Stamp{~stamp.page, ~stamp.generation});
}

void StampedMemory::write(Domain& guest, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) write_page(guest, random_.below(pages()));
}

Gva StampedMemory::write_page(Domain& guest, uint64_t page) {
  ++generations_[page];
  stamp(guest, page);
  return front(page);
}

std::string StampedMemory::check(Domain& guest) const {
  for (uint64_t page = 0; page < pages(); ++page) {
    const Stamp wanted{page, generations_[page]};
    const auto at_front = guest.vcpu(0).read<Stamp>(front(page));
    const auto at_back = guest.vcpu(0).read<Stamp>(back(page));
    if (at_front == wanted && at_back == Stamp{~wanted.page, ~wanted.generation}) continue;
    return "page " + std::to_string(page) + " was written " + std::to_string(wanted.generation) +
           " times; it holds the stamp of page " + std::to_string(at_front.page) + ", written " +
           std::to_string(at_front.generation) + " times, and at its end of page " + std::to_string(~at_back.page) +
           ", written " + std::to_string(~at_back.generation) + " times";
  }
  return "";
}

}  // namespace assay::hosts
