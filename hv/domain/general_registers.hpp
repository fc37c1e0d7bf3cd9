/// The registers that PV and HVM vCPUs share, to and from the ABI's cpu_user_regs.
#pragma once

#include "sim/abi/xen.hpp"
#include "sim/port/port.h"

namespace hv {

constexpr uint64_t kDr6AlwaysOne = 0xffff'0ff0;
constexpr uint64_t kDr7AlwaysOne = 0x400;

/// All but cs, ss and the flags, which each kind treats in its own way.
inline void load_general(assay_regs& r, const cpu_user_regs_t& u) {
  r.rax = u.rax, r.rbx = u.rbx, r.rcx = u.rcx, r.rdx = u.rdx;
  r.rsi = u.rsi, r.rdi = u.rdi, r.rbp = u.rbp, r.rsp = u.rsp;
  r.r8 = u.r8, r.r9 = u.r9, r.r10 = u.r10, r.r11 = u.r11;
  r.r12 = u.r12, r.r13 = u.r13, r.r14 = u.r14, r.r15 = u.r15;
  r.rip = u.rip;
  r.ds = u.ds, r.es = u.es, r.fs = u.fs, r.gs = u.gs;
}

inline void store_general(cpu_user_regs_t& u, const assay_regs& r) {
  u.rax = r.rax, u.rbx = r.rbx, u.rcx = r.rcx, u.rdx = r.rdx;
  u.rsi = r.rsi, u.rdi = r.rdi, u.rbp = r.rbp, u.rsp = r.rsp;
  u.r8 = r.r8, u.r9 = r.r9, u.r10 = r.r10, u.r11 = r.r11;
  u.r12 = r.r12, u.r13 = r.r13, u.r14 = r.r14, u.r15 = r.r15;
  u.rip = r.rip;
  u.cs = r.cs, u.ss = r.ss, u.ds = r.ds, u.es = r.es, u.fs = r.fs, u.gs = r.gs;
}

}  // namespace hv
