/// Version 2: the frames in which use is noted, one word per reference.
#pragma once

#include "hv/grant/grant_table.hpp"

namespace hv {

/// As many as the table's size asks for. False: no memory, and nothing has changed.
[[nodiscard]] bool add_status_frames(GrantTable& table);
/// Gives them all up.
void drop_status_frames(GrantTable& table);
/// True when the guest, or somebody else, maps one of them. An HVM guest's own mappings are taken away first.
[[nodiscard]] bool status_frames_in_use(GrantTable& table);

}  // namespace hv
