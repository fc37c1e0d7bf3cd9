/// Both headers of a stream, byte by byte. The image header is big-endian, whatever follows.
#pragma once

#include <bit>
#include <cstdint>

#include "sim/toolstack/migration/stream_format.hpp"

namespace assay::migration {

static_assert(std::endian::native == std::endian::little);

struct ImageHeaderBytes {
  uint64_t marker;
  uint32_t id, version;
  uint16_t options, reserved16;
  uint32_t reserved32;
};
static_assert(sizeof(ImageHeaderBytes) == kImageHeaderBytes);

struct DomainHeaderBytes {
  uint32_t type;
  uint16_t page_shift, reserved;
  uint32_t xen_major, xen_minor;
};
static_assert(sizeof(DomainHeaderBytes) == kDomainHeaderBytes);

struct RecordHeaderBytes {
  uint32_t type, body_bytes;
};
static_assert(sizeof(RecordHeaderBytes) == kRecordHeaderBytes);

}  // namespace assay::migration
