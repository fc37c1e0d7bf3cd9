#include "sim/hosts/vcpu_oracle.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "sim/hosts/domain_frames.hpp"
#include "sim/toolstack/migration/guest_p2m.hpp"
#include "sim/toolstack/migration/record_codec.hpp"
#include "sim/toolstack/migration/state_control.hpp"
#include "sim/toolstack/migration/stream_headers.hpp"
#include "sim/toolstack/migration/vcpu_context.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::hosts {

namespace {

using migration::Bytes;
using migration::RecordType;

/// By what it is the state of.
using States = std::map<std::string, Bytes>;

std::string of_vcpu(const std::string& what, uint32_t vcpu) {
  return what + " of vCPU " + std::to_string(vcpu);
}

void add_pv(States& states, migration::VcpuState state) {
  if (state.context.empty()) return;
  if (state.type == RecordType::kVcpuExtended) {
    // Selectors that were never set are those of ring 3 once they are set to what they were.
    for (const size_t selector : {offsetof(xen_domctl_ext_vcpucontext, syscall32_callback_cs),
                                  offsetof(xen_domctl_ext_vcpucontext, sysenter_callback_cs)}) {
      if (selector < state.context.size()) state.context[selector] |= std::byte{3};
    }
  }
  states[of_vcpu(migration::name_of(state.type), state.vcpu)] = std::move(state.context);
}

/// What a context says of time is as late as it was asked.
void add_hvm(States& states, std::span<const std::byte> context) {
  while (context.size() >= sizeof(hvm_save_descriptor)) {
    hvm_save_descriptor head;
    std::memcpy(&head, context.data(), sizeof head);
    context = context.subspan(sizeof head);
    const uint64_t length = std::min<uint64_t>(head.length, context.size());
    Bytes body(context.begin(), context.begin() + static_cast<std::ptrdiff_t>(length));
    context = context.subspan(length);
    if (head.typecode == HVM_SAVE_CODE(HEADER) || head.typecode == HVM_SAVE_CODE(END)) continue;
    if (head.typecode == HVM_SAVE_CODE(CPU) && length >= sizeof(hvm_hw_cpu)) {
      std::memset(&body[offsetof(hvm_hw_cpu, tsc)], 0, sizeof(hvm_hw_cpu::tsc));
    }
    const std::string name = head.typecode == HVM_SAVE_CODE(CPU) ? "the context" : std::to_string(head.typecode);
    states[of_vcpu(head.typecode == HVM_SAVE_CODE(CPU) ? name : "HVM record " + name, head.instance)] = body;
  }
}

/// `frames` by pfn, ~0 where there is none.
States pv_states(SimulatedHost& host, DomId domain, const std::vector<uint64_t>& frames, uint32_t vcpus) {
  const migration::StateControl control(host.toolstack().tools().dom0, domain);
  const migration::GuestP2m p2m = migration::make_p2m(frames);
  States states;
  for (uint32_t vcpu = 0; vcpu < vcpus; ++vcpu) {
    if (!control.is_online(vcpu)) continue;
    migration::VcpuState basic{RecordType::kVcpuBasic, vcpu, *control.vcpu_state(RecordType::kVcpuBasic, vcpu)};
    vcpu_guest_context context;
    std::memcpy(&context, basic.context.data(), sizeof context);
    const std::string bad = migration::translate_context(context, vcpu, [&](uint64_t mfn) { return p2m.pfn_of(mfn); });
    if (!bad.empty()) throw ToolstackError(of_vcpu(bad, vcpu) + " on host " + host.name() + " is no frame of it");
    std::memcpy(basic.context.data(), &context, sizeof context);
    add_pv(states, basic);
    for (const RecordType type : {RecordType::kVcpuExtended, RecordType::kVcpuXsave, RecordType::kVcpuMsrs}) {
      if (const auto state = control.vcpu_state(type, vcpu)) add_pv(states, {type, vcpu, *state});
    }
  }
  return states;
}

States states_at(SimulatedHost& host, DomId domain, const std::vector<uint64_t>& frames, const GuestSpec& guest) {
  if (guest.type == GuestType::kPv64) return pv_states(host, domain, frames, guest.vcpus);
  States states;
  add_hvm(states, migration::StateControl(host.toolstack().tools().dom0, domain).hvm_context());
  return states;
}

/// Of a whole stream.
States states_in(std::span<const std::byte> stream) {
  States states;
  stream = stream.subspan(migration::kImageHeaderBytes + migration::kDomainHeaderBytes);
  while (stream.size() >= sizeof(migration::RecordHeaderBytes)) {
    migration::RecordHeaderBytes head;
    std::memcpy(&head, stream.data(), sizeof head);
    const std::span<const std::byte> body = stream.subspan(sizeof head, head.body_bytes);
    const auto type = static_cast<RecordType>(head.type);
    switch (type) {
      case RecordType::kVcpuBasic:
      case RecordType::kVcpuExtended:
      case RecordType::kVcpuXsave:
      case RecordType::kVcpuMsrs:
        add_pv(states, std::get<migration::VcpuState>(migration::decode(type, body)));
        break;
      case RecordType::kHvmContext:
        add_hvm(states, body);
        break;
      default:
        break;
    }
    const uint64_t padded =
        (head.body_bytes + migration::kAlignment - 1) / migration::kAlignment * migration::kAlignment;
    stream = stream.subspan(std::min<uint64_t>(sizeof head + padded, stream.size()));
  }
  return states;
}

/// How `is` differs from what it should be; empty: it does not.
std::string difference(const std::string& what, const States& wanted, const States& is) {
  const auto should = wanted.find(what), found = is.find(what);
  if (should == wanted.end()) return found == is.end() ? "" : what + ", which is not there";
  if (found == is.end()) return "no " + what;
  if (should->second.size() != found->second.size()) return what + " in another length";
  const auto at = std::ranges::mismatch(should->second, found->second).in1;
  if (at == should->second.end()) return "";
  return what + " that differs from byte " + std::to_string(at - should->second.begin()) + " on";
}

}  // namespace

std::string VcpusArrive::at_arrival(MoveScene& scene) {
  const GuestSpec& guest = scene.busy.load().guest;
  const States there = states_at(scene.source, scene.was, frames_of(scene.source, scene.was, guest.type), guest);
  const States sent = states_in(scene.stream);
  const States here = states_at(scene.target, scene.arrived->id, scene.arrived->frames, guest);
  std::set<std::string> names;
  for (const States* states : {&there, &sent, &here}) {
    for (const auto& [what, bytes] : *states) names.insert(what);
  }
  for (const std::string& what : names) {
    if (const std::string said = difference(what, there, sent); !said.empty()) {
      return "host " + scene.source.name() + " has sent " + said;
    }
    if (const std::string said = difference(what, sent, here); !said.empty()) {
      return "host " + scene.target.name() + " has restored " + said;
    }
  }
  return "";
}

}  // namespace assay::hosts
