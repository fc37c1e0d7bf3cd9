/// Oracle: what every page of a domain holds, to be compared with what it holds somewhere else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/toolstack/migration/saver.hpp"
#include "sim/toolstack/migration/stream_reader.hpp"

namespace assay::migration {

/// Pages by pfn, each as a digest of its content and its type. Page tables go by the pfns that they lead to, so an
/// image does not depend on which machine frames the domain has.
class MemoryImage {
 public:
  struct Page {
    uint64_t digest = 0;
    PageType type = PageType::kNormal;
    bool operator==(const Page&) const = default;
  };

  void add(const PageData& record);
  [[nodiscard]] uint64_t pages() const;
  /// Empty: the same. Otherwise how many pfns differ, and the first few of them. Those of `but_for` may.
  [[nodiscard]] std::string difference(const MemoryImage& other, const std::vector<uint64_t>& but_for = {}) const;

 private:
  [[nodiscard]] std::optional<Page> page(uint64_t pfn) const;
  std::vector<std::optional<Page>> pages_;
};

/// Pages that a restorer writes, as the ABI says: of a PV64 guest the p2m list and start_info.
std::vector<uint64_t> rewritten_pfns(const GuestSpace& space);

/// The memory that a stream carries. Throws StreamError.
MemoryImage image_of_stream(ByteSource& source);
/// Of a domain that does not run, by its frames as restore_domain tells them. Throws ToolstackError.
MemoryImage image_of_domain(const Tools& tools, DomId domain, const std::vector<uint64_t>& frames, bool is_pv);

}  // namespace assay::migration
