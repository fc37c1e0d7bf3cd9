/// Checks the frame table against the lists, the page tables, the M2P and the second-stage tables. Reads only.
#pragma once

#include <cstdint>

#include "hv/mm/domain_memory.hpp"

namespace hv {

/// Gets one line per violation.
class AuditSink {
 public:
  virtual void violation(const char* text) = 0;

 protected:
  ~AuditSink() = default;
};

/// The machine as a whole: allocator, frame states.
void audit_frames(AuditSink& sink);
/// One domain: counts against owners, entries of validated tables against references, p2m against M2P.
void audit_memory(const DomainMemory& memory, AuditSink& sink);

}  // namespace hv
