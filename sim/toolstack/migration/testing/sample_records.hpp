/// Records as a saver would write them, with recognisable content.
#pragma once

#include <vector>

#include "sim/toolstack/migration/records.hpp"

namespace assay::migration::testing {

/// A whole stream of a domain, END included.
std::vector<Record> pv_records();
std::vector<Record> hvm_records();
/// One of each type at least, in no order.
const std::vector<Record>& every_record();

}  // namespace assay::migration::testing
