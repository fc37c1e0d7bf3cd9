#include "sim/scenario/page_writer.hpp"

#include <fmt/format.h>

namespace assay::scenario {

void PageWriter::write(const assay_run& run, uint32_t page) {
  const uint64_t va = first_va_ + uint64_t{page} * ASSAY_PAGE_SIZE;
  MemoryMiss miss;
  uint64_t held = 0;
  memory_.use(run);
  if (!memory_.load(va, held, miss)) return complain(fmt::format("page {} of its working set cannot be read", page));
  if (held != last_[page]) {
    complain(fmt::format("page {} of its working set holds {:#x}; {:#x} was written last", page, held, last_[page]));
  }
  if (!memory_.store(va, written_ + 1, miss)) {
    return complain(fmt::format("page {} of its working set cannot be written", page));
  }
  last_[page] = ++written_;
}

}  // namespace assay::scenario
