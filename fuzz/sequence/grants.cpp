// Grant tables, one operation after the other.
#include "fuzz/sequence/grants_play.hpp"

namespace assay::fuzz {

std::string GrantsPlay::prologue() {
  return "GrantNeighbour ours(c, c.vcpu());\n"
         "GrantNeighbour theirs(c, c.peer().vcpu(0));\n";
}

const Family& grants_family() {
  static const Family family{.name = "grants",
                             .kinds = GrantsPlay::kOperations,
                             .actors = GrantsPlay::kGuests,
                             .spec = {.slug = "property.grants",
                                      .rule = "Grant tables answer, and show guests, what the ABI says.",
                                      .source = "public/grant_table.h",
                                      .needs = {Capability::kTwoGuests}},
                             .includes = {"conformance/guest/grant_neighbours.hpp"},
                             .prologue = GrantsPlay::prologue(),
                             .begin = begin_play<GrantsPlay>};
  return family;
}

}  // namespace assay::fuzz
