#include <utility>

#include "sim/abi/xen.hpp"
#include "sim/target/target.hpp"

namespace assay {

std::string_view to_string(GuestType type) {
  return type == GuestType::kPv64 ? "pv64" : "pvh";
}

Domain::Domain(DomId id, GuestType type, const GuestSpace& space) : id_(id), type_(type), space_(space) {
  const uint64_t shift = space.va_offset - space.layout.virt_base;
  heap_next_ = Gva{space.layout.heap_start + shift};
  heap_end_ = Gva{space.layout.heap_end + shift};
}

Domain::~Domain() = default;

Vcpu& Domain::vcpu(uint32_t index) {
  if (index >= vcpus_.size()) {
    throw HarnessFault("domain " + std::to_string(id_.raw()) + " has no attached vcpu " + std::to_string(index));
  }
  return *vcpus_[index];
}

Vcpu& Domain::add_vcpu(std::unique_ptr<GuestPort> port) {
  vcpus_.push_back(std::make_unique<Vcpu>(*this, vcpu_count(), std::move(port)));
  return *vcpus_.back();
}

Gva Domain::alloc_pages(uint64_t count) {
  if (count > pages_left()) {
    throw HarnessFault("the heap of domain " + std::to_string(id_.raw()) + " has " + std::to_string(pages_left()) +
                       " pages left, not " + std::to_string(count));
  }
  const Gva start = heap_next_;
  heap_next_ = heap_next_ + count * kPageSize;
  if (vcpu(0).fill(start, count * kPageSize, 0)) throw HarnessFault("the guest's heap is not writable");
  return start;
}

uint64_t Domain::pages_left() const {
  return (heap_end_.raw() - heap_next_.raw()) / kPageSize;
}

Pfn Domain::pfn_of(Gva va) const {
  return Pfn{(va.raw() - space_.va_offset) >> kPageShift};
}

Gfn Domain::gfn_of(Gva va) {
  const Pfn pfn = pfn_of(va);
  if (type_ == GuestType::kPvh) return Gfn{pfn.raw()};
  return Gfn{vcpu(0).read<uint64_t>(space_.p2m + pfn.raw() * sizeof(uint64_t))};
}

Gva Domain::vcpu_info(uint32_t vcpu) const {
  if (vcpu >= XEN_LEGACY_MAX_VCPUS) throw HarnessFault("shared_info has room for 32 vcpus only");
  return shared_info() + vcpu * sizeof(vcpu_info_t);
}

}  // namespace assay
