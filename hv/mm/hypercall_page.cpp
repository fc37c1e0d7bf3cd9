#include "hv/mm/hypercall_page.hpp"

#include <array>
#include <cstring>

#include "hv/base/host.hpp"
#include "hv/mm/page_refs.hpp"
#include "sim/abi/xen.hpp"

namespace hv {

namespace {

constexpr unsigned kStubBytes = 32;
constexpr uint32_t kStubs = static_cast<uint32_t>(kPageSize) / kStubBytes;

/// A stub as it is being assembled.
class Stub {
 public:
  explicit Stub(uint8_t* at) : at_(at), end_(at + kStubBytes) {}

  template <typename... Bytes>
  Stub& code(Bytes... bytes) {
    for (const int byte : {static_cast<int>(bytes)...}) {
      HV_ASSERT(at_ < end_);
      *at_++ = static_cast<uint8_t>(byte);
    }
    return *this;
  }
  Stub& number(uint32_t value) {
    HV_ASSERT(at_ + sizeof value <= end_);
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
    return *this;
  }

 private:
  uint8_t* at_;
  uint8_t* end_;
};

constexpr int kRet = 0xc3;
constexpr int kMovEax = 0xb8;

/// syscall destroys rcx and r11; a caller of the stub keeps them.
void pv_stub(uint8_t* at, uint32_t number) {
  Stub(at)
      .code(0x51, 0x41, 0x53)  // push rcx; push r11
      .code(kMovEax)
      .number(number)
      .code(0x0f, 0x05)        // syscall
      .code(0x41, 0x5b, 0x59)  // pop r11; pop rcx
      .code(kRet);
}

/// iret never returns here: the frame on the stack starts with r11, rcx and rax, as HYPERVISOR_iret expects it.
void pv_iret_stub(uint8_t* at) {
  Stub(at)
      .code(0x51, 0x41, 0x53, 0x50)  // push rcx; push r11; push rax
      .code(kMovEax)
      .number(__HYPERVISOR_iret)
      .code(0x0f, 0x05);
}

void hvm_stub(uint8_t* at, uint32_t number) {
  Stub(at)
      .code(kMovEax)
      .number(number)
      .code(0x0f, 0x01, 0xd9)  // vmmcall
      .code(kRet);
}

void undefined_stub(uint8_t* at) {
  Stub(at).code(0x0f, 0x0b);
}

}  // namespace

void fill_hypercall_page(GuestKind kind, Mfn mfn) {
  uint8_t* page = frame_bytes(mfn);
  std::memset(page, 0xcc, kPageSize);
  for (uint32_t number = 0; number < kStubs; ++number) {
    uint8_t* at = page + number * kStubBytes;
    if (kind == GuestKind::kPv64) {
      number == __HYPERVISOR_iret ? pv_iret_stub(at) : pv_stub(at, number);
    } else {
      number == __HYPERVISOR_iret ? undefined_stub(at) : hvm_stub(at, number);
    }
  }
}

Status fill_hypercall_page_at(DomainMemory& memory, Gfn gfn) {
  const Result<Mfn> mfn = get_writable_gfn(memory, gfn);
  if (!mfn.ok()) return mfn.status();
  fill_hypercall_page(memory.kind, *mfn);
  put_page_and_type(*mfn);
  return kOk;
}

}  // namespace hv
