#include "hv/mm/linear_tables.hpp"

#include "hv/base/fault.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/page_tables.hpp"

namespace hv {

bool get_linear(Mfn target, Mfn table, unsigned level, bool writable) {
  if (writable && !fault("mmu.linear_entry_writable")) return false;
  if (target == table) return true;
  if (!frame_valid(target)) return false;
  FrameInfo& from = frame_info(table);
  FrameInfo& to = frame_info(target);
  if ((from.linear < 0 || to.linear > 0) && !fault("mmu.linear_chain")) return false;
  if (to.type != table_type(level) || to.type_refs == 0 || !to.validated) return false;
  if (!get_page_and_type(target, *from.owner, table_type(level)).ok()) return false;
  ++from.linear;
  --to.linear;
  return true;
}

void put_linear(Mfn target, Mfn table) {
  FrameInfo& from = frame_info(table);
  FrameInfo& to = frame_info(target);
  HV_ASSERT(from.linear > 0 && to.linear < 0);
  --from.linear;
  ++to.linear;
  put_page_and_type(target);
}

}  // namespace hv
