/// Hypercalls from a domain of SystemTest: arguments in its memory, continuations run to their end.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "hv/domain/testing/system.hpp"
#include "hv/hypercall/call.hpp"

namespace hv::testing {

class CallerTest : public SystemTest {
 protected:
  /// One hypercall by vCPU 0 of `caller`, continued until it is done.
  int64_t call(Domain& caller, Handler handler, std::initializer_list<uint64_t> args) {
    Call call{*caller.vcpus[0], 0, {}};
    std::ranges::copy(args, call.arg.begin());
    call.vcpu.in_multicall = true;
    int64_t result = handler(call);
    while (call.vcpu.continuation) {
      call.vcpu.continuation = false;
      ++continuations_;
      std::copy_n(call.vcpu.entry.args, call.arg.size(), call.arg.begin());
      result = handler(call);
    }
    call.vcpu.in_multicall = false;
    return result;
  }

  template <typename T>
  int64_t event_op(Domain& caller, uint32_t command, T& argument) {
    put(caller, kArgument, argument);
    const int64_t result = call(caller, do_event_channel_op, {command, kArgument});
    argument = get<T>(caller, kArgument);
    return result;
  }

  /// `op.cmd` and arguments are the test's; what comes back replaces them.
  int64_t domctl(Domain& caller, xen_domctl_t& op) {
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    put(caller, kArgument, op);
    const int64_t result = call(caller, do_domctl, {kArgument});
    op = get<xen_domctl_t>(caller, kArgument);
    return result;
  }
  int64_t domctl(uint32_t command, DomId domain) {
    xen_domctl_t op{};
    op.cmd = command;
    op.domain = domain.raw();
    return domctl(*control_, op);
  }

  uint32_t continuations_ = 0;
};

}  // namespace hv::testing
