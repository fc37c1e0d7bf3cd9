// Memory of one guest, one operation after the other.
#include "fuzz/sequence/memory_play.hpp"

namespace assay::fuzz {

std::string MemoryPlay::prologue() {
  return "MemoryPlaces places(c);\n";
}

const Family& memory_family() {
  static const Family family{
      .name = "memory",
      .kinds = MemoryPlay::kOperations,
      .actors = 1,
      .spec = {.slug = "property.memory",
               .rule = "Reservations and the physmap answer, and show guests, what the ABI says.",
               .source = "public/memory.h",
               .needs = {Capability::kDom0}},
      .includes = {"<array>", "conformance/guest/memory_places.hpp"},
      .prologue = MemoryPlay::prologue(),
      .begin = begin_play<MemoryPlay>};
  return family;
}

}  // namespace assay::fuzz
