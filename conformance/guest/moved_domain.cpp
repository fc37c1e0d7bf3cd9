#include "conformance/guest/moved_domain.hpp"

#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/page_tables.hpp"
#include "conformance/guest/shutdown_state.hpp"
#include "sim/toolstack/guest_adopter.hpp"
#include "sim/toolstack/migration/guest_suspension.hpp"
#include "sim/toolstack/migration/memory_image.hpp"
#include "sim/toolstack/migration/migration.hpp"
#include "sim/toolstack/migration/moved_guest.hpp"

namespace assay {
namespace {

/// The toolstack's window is in dom0's heap and shows nothing when it is closed: the next case gets that heap.
void map_own_pages(Vcpu& vcpu, Gva first, Gva end) {
  for (Gva va = first; va != end; va = va + kPageSize) remap(vcpu, {va, vcpu.domain().gfn_of(va)}, kLeafRw);
}

}  // namespace

struct MovedDomain::Parts {
  explicit Parts(Domain& dom0) : heap_first(dom0.heap_mark()), host(dom0), heap_end(dom0.heap_mark()) {}
  Gva heap_first;
  migration::Host host;
  Gva heap_end;
  migration::MemorySink stream;
  std::vector<std::string> left_out;
  migration::RestoredDomain restored;
  Domain* guest = nullptr;  ///< once it runs
  bool is_cancelled = false;
};

MovedDomain::MovedDomain(CaseContext& c) : c_(c), parts_(std::make_unique<Parts>(c.dom0())) {
  DomctlOps control(c.dom0().vcpu(0));
  const DomId id = c.guest().id();
  migration::suspend_guest(c.guest());
  c.require(wait_shut_down(c, control, id), "set-up: the guest suspends itself");
  parts_->left_out = parts_->host.save(id, parts_->stream).left_out;
  migration::MemorySource source(parts_->stream.bytes());
  parts_->restored = parts_->host.restore(c.guest_spec(), source);
}

MovedDomain::~MovedDomain() {
  parts_->host.tools().window.unmap();
  if (parts_->guest != nullptr) c_.target().destroy_guest(*parts_->guest);
  parts_->host.destroy(parts_->restored.id);
  map_own_pages(c_.dom0().vcpu(0), parts_->heap_first, parts_->heap_end);
  if (parts_->is_cancelled) return;
  // A guest that answers can be taken down without a fresh boot.
  DomctlOps(c_.dom0().vcpu(0)).call(XEN_DOMCTL_resumedomain, c_.guest().id());
  c_.vcpu().finish_hypercall(kLongNs);
}

DomId MovedDomain::id() const {
  return parts_->restored.id;
}

const std::vector<std::string>& MovedDomain::left_out() const {
  return parts_->left_out;
}

std::string MovedDomain::memory_difference() const {
  migration::MemorySource source(parts_->stream.bytes());
  const migration::MemoryImage saved = migration::image_of_stream(source);
  const bool is_pv = parts_->restored.type == GuestType::kPv64;
  return saved.difference(
      migration::image_of_domain(parts_->host.tools(), parts_->restored.id, parts_->restored.frames, is_pv));
}

Domain& MovedDomain::run() {
  auto* const adopter = dynamic_cast<GuestAdopter*>(&c_.target());
  if (adopter == nullptr) c_.skip("this target cannot take over a domain that it has not built");
  const BuiltGuest built =
      migration::moved_guest(parts_->host.tools(), parts_->restored, c_.guest().space(), c_.guest_spec().vcpus_online);
  parts_->host.start(parts_->restored.id);
  parts_->guest = &adopter->adopt_guest(built, parts_->restored.type, &c_.guest());
  parts_->guest->heap_go_back(c_.guest().heap_mark());
  const migration::Woken woken = migration::wake_guest(*parts_->guest, kLongNs);
  c_.require(woken == migration::Woken::kRestored, "SHUTDOWN_suspend returns 0 in the fresh domain");
  return *parts_->guest;
}

bool MovedDomain::cancel() {
  parts_->is_cancelled = true;
  parts_->host.go_on(c_.guest().id());
  const migration::Woken woken = migration::wake_guest(c_.guest(), kLongNs);
  c_.require(woken != migration::Woken::kNotYet, "the guest goes on");
  return woken == migration::Woken::kCancelled;
}

}  // namespace assay
