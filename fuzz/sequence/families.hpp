/// The families that there are, each in a file of its own.
#pragma once

#include "fuzz/sequence/family.hpp"

namespace assay::fuzz {

const Family& domains_family();
const Family& events_family();
const Family& grants_family();
const Family& log_dirty_family();
const Family& memory_family();
const Family& page_tables_family();
const Family& races_family();
const Family& races_grants_family();
const Family& races_memory_family();
const Family& vcpus_family();

}  // namespace assay::fuzz
