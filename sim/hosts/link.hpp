/// A link between two hosts: takes time, and does to what it carries what networks do.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sim/toolstack/migration/byte_channel.hpp"
#include "sim/toolstack/migration/stream_headers.hpp"

namespace assay::hosts {

/// What goes wrong with one part of a stream. A part is both headers, or a record.
enum class LinkFault : uint8_t {
  kNone,
  kLost,        ///< the connection ends at a byte of the part, and the sender is told
  kVanished,    ///< the same, and the sender is not told: it goes on, for nobody
  kCorrupted,   ///< a byte of it arrives as another one
  kReordered,   ///< it arrives after the part that follows it
  kDuplicated,  ///< it arrives twice
  kTruncated,   ///< its end is missing, from a byte on; what follows arrives
  kDelayed,     ///< it arrives late
  kFull,        ///< the sink has no room for it, and says so
  kSourceDied,  ///< the sending host is no more
  // What another saver might have written in its place, and means the same.
  kMerged,  ///< two records of pages come as one
  kHoled,   ///< a record of pages tells of one more, which has no memory so far
};
std::string_view to_string(LinkFault fault);
std::optional<LinkFault> link_fault_from(std::string_view name);

/// What kDelayed takes.
constexpr uint64_t kLinkDelayNs = 10'000'000'000;

struct LinkOptions {
  uint64_t ns_per_page = 3'300;  ///< bandwidth: 10 Gbit/s
  uint64_t latency_ns = 100'000;
  LinkFault fault = LinkFault::kNone;
  uint64_t part = 0;   ///< which one it happens to
  uint64_t byte = 0;   ///< of the part; of one that has fewer, the last
  uint64_t pages = 0;  ///< of the domain, for kHoled
};

/// The sender's end fails; `what` says how.
class LinkError : public std::runtime_error {
 public:
  LinkError(LinkFault fault, const std::string& what) : std::runtime_error(what), fault_(fault) {}
  [[nodiscard]] LinkFault fault() const { return fault_; }

 private:
  LinkFault fault_;
};

/// Parts are told apart by the headers of records, so what is written must be a stream. What arrives is handed to the
/// far end at once, and stays where it is until that has taken it; only a link with a fault collects a part first.
class Link final : public migration::ByteSink {
 public:
  /// Lets time pass on the sending host, and the guests there work meanwhile.
  using PassTime = std::function<void(uint64_t ns)>;
  /// What arrives is written to `far_end`, which must outlive the link's last write.
  Link(const LinkOptions& options, migration::ByteSink& far_end, PassTime pass_time);

  void write(std::span<const std::byte> bytes) override;
  /// No more is sent. A part that was held back arrives.
  void close();

  /// Both ends know what the other one has: of the same bytes, as a checksum of the transport says.
  [[nodiscard]] bool arrived_as_sent() const;
  [[nodiscard]] uint64_t sent_bytes() const { return sent_bytes_; }
  /// Parts that were complete.
  [[nodiscard]] uint64_t parts() const { return parts_; }
  [[nodiscard]] uint64_t largest_part() const { return largest_; }
  /// What the part is at which the fault is: "PAGE_DATA"; empty when no part is.
  [[nodiscard]] const std::string& met() const { return met_; }
  /// The fault had something to happen to.
  [[nodiscard]] bool has_struck() const { return has_struck_; }

 private:
  using Bytes = std::vector<std::byte>;
  /// Takes the next bytes of the part; all of them are of it.
  void add(std::span<const std::byte> bytes);
  void take_time(uint64_t bytes);
  void end_of_part();
  /// False: it waits for the next one.
  bool reword();
  void note_met();
  void note_sent(uint64_t bytes);
  void forward();
  void deliver(std::span<const std::byte> part);
  void strike();
  /// What is missing from the part that is under way, or from its header.
  [[nodiscard]] uint64_t missing() const;
  [[nodiscard]] bool is_perfect() const { return options_.fault == LinkFault::kNone; }

  LinkOptions options_;
  migration::ByteSink& far_end_;
  PassTime pass_time_;
  migration::RecordHeaderBytes header_{};  ///< of the part that is under way, as far as it has come
  uint64_t taken_ = 0;                     ///< bytes of that part
  Bytes part_;                             ///< the same bytes, unless the link is perfect
  uint64_t parts_ = 0;
  uint64_t largest_ = 0;
  uint64_t sent_bytes_ = 0, arrived_bytes_ = 0;
  uint64_t owed_ns_ = 0;  ///< of bandwidth, times kPageSize
  bool is_broken_ = false;
  std::string met_;
  bool has_struck_ = false;
  Bytes held_back_;
  Bytes to_merge_;
  uint64_t highest_pfn_ = 0;
  // A checksum of all that was sent, part by part, and of all that has arrived. What passes a perfect link is the same
  // bytes at both ends, so neither needs one.
  uint64_t digest_ = 0;
  uint64_t arrived_digest_ = 0;
};

}  // namespace assay::hosts
