/// GNTTABOP_copy: what one side of a copy names, held for as long as consecutive copies of a list name it again.
#pragma once

#include "hv/grant/grant_table.hpp"

namespace hv {

/// One side of a request, as the guest gave it.
struct CopyOperand {
  uint16_t domid = 0;
  bool by_ref = false;
  uint64_t name = 0;  ///< grant reference or frame number
  uint32_t offset = 0;
};

/// How to find the domain that a copy names.
struct CopyDomains {
  GrantTable* (*any)(GrantTable& caller, uint16_t domid);  ///< DOMID_SELF or a number; null: no such domain
  GrantTableOf by_id;
};

/// A claimed operand: frame, window of the frame, and everything that has to be given back.
struct CopyClaim {
  bool held = false;
  CopyOperand operand{};
  GrantTable* table = nullptr;
  Mfn mfn{};
  uint32_t start = 0;
  uint32_t length = 0;
  GrantTable* inner = nullptr;  ///< transitive grants: the grant behind it is in use as well
  GrantRef inner_ref{};
};

/// Performs the copies of one list. Gives back what it holds when it goes.
class GrantCopier {
 public:
  GrantCopier(GrantTable& caller, const CopyDomains& domains) : caller_(caller), domains_(domains) {}
  ~GrantCopier() { let_go(); }
  GrantCopier(const GrantCopier&) = delete;
  GrantCopier& operator=(const GrantCopier&) = delete;

  /// Errors, in order: bad_domain, or permission_denied a frame of another domain, source first; for the source, then
  /// the destination, what its claim finds (bad_gntref, general_error, bad_page, and general_error for a destination
  /// that cannot be written); bad_copy_arg beyond a page; general_error outside of what is granted.
  /// kRestart: the grant behind a transitive one changed meanwhile; nothing was done.
  GrantStatus copy(const CopyOperand& source, const CopyOperand& destination, uint32_t bytes);
  void let_go();

 private:
  GrantStatus find(const CopyOperand& operand, GrantTable*& table) const;
  GrantStatus claim(const CopyOperand& operand, GrantTable& table, bool readonly, CopyClaim& claim);
  GrantStatus copy_claimed(const CopyOperand& source, const CopyOperand& destination, uint32_t bytes);
  static void drop(CopyClaim& claim, bool readonly);

  GrantTable& caller_;
  const CopyDomains& domains_;
  CopyClaim source_;
  CopyClaim destination_;
};

/// Brings a grant into use for a copy by `user`: frame with a general reference, window and pins, in `claim`.
/// `transitive_ok`: one step to another domain's grant may be taken, whose table `by_id` finds.
/// Errors, in order: bad_gntref; general_error used by another domain, too often, or not granted so; transitive:
/// general_error not allowed, to itself or no such domain, then what that grant says; bad_page.
GrantStatus acquire_for_copy(GrantTable& table, GrantRef ref, DomId user, bool readonly, GrantTableOf by_id,
                             CopyClaim& claim);
/// The other way, but for the frame's reference.
void release_for_copy(GrantTable& table, GrantRef ref, bool readonly, const CopyClaim& claim);

}  // namespace hv
