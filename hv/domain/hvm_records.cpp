#include "hv/domain/hvm_records.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "hv/domain/context.hpp"
#include "hv/domain/hvm_apic.hpp"
#include "hv/domain/memory_types.hpp"
#include "hv/domain/vcpu_state.hpp"

namespace hv {

namespace {

using Of = HvmRecordType::Of;

void save_machine_check(const Vcpu& vcpu, hvm_vmce_vcpu& record) {
  record = vcpu.machine_check;
}

void save_tsc_adjust(const Vcpu& vcpu, hvm_tsc_adjust& record) {
  record.tsc_adjust = vcpu.hvm.tsc_adjust;
}

Status load_tsc_adjust(Vcpu& vcpu, const hvm_tsc_adjust& record) {
  vcpu.hvm.tsc_adjust = record.tsc_adjust;
  return kOk;
}

template <typename Record, auto Save>
void save_vcpu(const Domain& /*domain*/, const Vcpu* vcpu, uint8_t* data) {
  Record record;
  Save(*vcpu, record);
  std::memcpy(data, &record, sizeof record);
}

template <typename Record, auto Load>
Status load_vcpu(Domain& /*domain*/, Vcpu* vcpu, const uint8_t* data) {
  Record record;
  std::memcpy(&record, data, sizeof record);
  return Load(*vcpu, record);
}

template <auto Member>
void save_lines(const Domain& domain, const Vcpu* /*vcpu*/, uint8_t* data) {
  std::memcpy(data, &(domain.*Member), sizeof(domain.*Member));
}

template <auto Member>
Status load_lines(Domain& domain, Vcpu* /*vcpu*/, const uint8_t* data) {
  std::memcpy(&(domain.*Member), data, sizeof(domain.*Member));
  return kOk;
}

Status load_links(Domain& domain, Vcpu* /*vcpu*/, const uint8_t* data) {
  constexpr uint8_t kIsaIrqs = 16;
  hvm_hw_pci_link links;
  std::memcpy(&links, data, sizeof links);
  if (!std::ranges::all_of(links.route, [](uint8_t irq) { return irq < kIsaIrqs; })) return fail(XEN_EINVAL);
  domain.pci_links = links;
  return kOk;
}

template <typename Record, auto Save, auto Load>
constexpr HvmRecordType vcpu_type(uint16_t code, Of of = Of::kVcpu, bool shorter_is_zero = false,
                                  int too_long = XEN_EINVAL) {
  return {code, sizeof(Record), of, shorter_is_zero, too_long, save_vcpu<Record, Save>, load_vcpu<Record, Load>};
}

template <auto Member>
constexpr HvmRecordType lines_type(uint16_t code, uint32_t bytes, decltype(HvmRecordType::load) load) {
  return {code, bytes, Of::kDomain, false, XEN_EINVAL, save_lines<Member>, load};
}

constexpr std::array kTypes{
    vcpu_type<hvm_hw_cpu, save_hvm_cpu, load_hvm_cpu>(HVM_SAVE_CODE(CPU), Of::kUpVcpu, true),
    vcpu_type<hvm_hw_lapic, save_apic, load_apic>(HVM_SAVE_CODE(LAPIC), Of::kVcpu, true),
    vcpu_type<hvm_hw_lapic_regs, save_apic_registers, load_apic_registers>(HVM_SAVE_CODE(LAPIC_REGS)),
    lines_type<&Domain::pci_lines>(HVM_SAVE_CODE(PCI_IRQ), sizeof(hvm_hw_pci_irqs), load_lines<&Domain::pci_lines>),
    lines_type<&Domain::isa_lines>(HVM_SAVE_CODE(ISA_IRQ), sizeof(hvm_hw_isa_irqs), load_lines<&Domain::isa_lines>),
    lines_type<&Domain::pci_links>(HVM_SAVE_CODE(PCI_LINK), sizeof(hvm_hw_pci_link), load_links),
    vcpu_type<hvm_hw_mtrr, save_memory_types, load_memory_types>(HVM_SAVE_CODE(MTRR)),
    vcpu_type<hvm_vmce_vcpu, save_machine_check, set_machine_check>(HVM_SAVE_CODE(VMCE_VCPU), Of::kVcpu, true,
                                                                    XEN_EPERM),
    vcpu_type<hvm_tsc_adjust, save_tsc_adjust, load_tsc_adjust>(HVM_SAVE_CODE(TSC_ADJUST)),
};
static_assert(std::ranges::all_of(kTypes, [](const HvmRecordType& type) { return type.bytes <= kHvmRecordBytesMax; }));

}  // namespace

std::span<const HvmRecordType> hvm_record_types() {
  return kTypes;
}

const HvmRecordType* hvm_record_type(uint32_t code) {
  const auto* const found = std::ranges::find(kTypes, code, &HvmRecordType::code);
  return found != kTypes.end() ? found : nullptr;
}

HvmAbsence hvm_absence(uint32_t code) {
  switch (code) {
    case HVM_SAVE_CODE(PIC):
    case HVM_SAVE_CODE(IOAPIC):
    case HVM_SAVE_CODE(PIT):
    case HVM_SAVE_CODE(RTC):
    case HVM_SAVE_CODE(HPET):
    case HVM_SAVE_CODE(PMTIMER):
      return HvmAbsence::kDevice;
    case HVM_SAVE_CODE(VIRIDIAN_DOMAIN):
    case HVM_SAVE_CODE(VIRIDIAN_VCPU):
      return HvmAbsence::kIgnored;
    case CPU_XSAVE_CODE:
      return HvmAbsence::kXsave;
    case CPU_MSR_CODE:
      return HvmAbsence::kMsrs;
    default:
      return HvmAbsence::kNone;
  }
}

Status check_hvm_msrs(const uint8_t* data, uint64_t bytes) {
  constexpr uint64_t kHeaderBytes = offsetof(hvm_msr, msr);
  if (bytes < kHeaderBytes + sizeof(hvm_msr::hvm_one_msr)) return fail(XEN_EINVAL);
  uint32_t count;
  std::memcpy(&count, data, sizeof count);
  if (bytes != kHeaderBytes + uint64_t{count} * sizeof(hvm_msr::hvm_one_msr)) return fail(XEN_EOPNOTSUPP);
  for (uint32_t i = 0; i < count; ++i) {
    hvm_msr::hvm_one_msr entry;
    std::memcpy(&entry, data + kHeaderBytes + i * sizeof entry, sizeof entry);
    if (entry._rsvd != 0) return fail(XEN_EOPNOTSUPP);
  }
  return fail(XEN_ENXIO);
}

}  // namespace hv
