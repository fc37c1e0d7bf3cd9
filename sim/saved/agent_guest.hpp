/// A guest that runs the agent and has something to lose, on any target: pages with a pattern, and a counter.
#pragma once

#include <functional>

#include "sim/guest/agent_image.hpp"
#include "sim/saved/save_way.hpp"
#include "sim/saved/saved_guest.hpp"
#include "sim/target/target.hpp"
#include "sim/toolstack/migration/guest_suspension.hpp"
#include "sim/toolstack/migration/migration.hpp"

namespace assay {

class AgentGuest {
 public:
  /// Makes one on a target that has just begun a case, and builds its guests of `image`.
  AgentGuest(Target& target, const AgentImage& image, const GuestSpec& spec, uint64_t pattern_seed);
  /// Takes over one that was saved, here or elsewhere; it runs. Whatever is thrown, no domain is left: InputError: it
  /// was saved with another agent, or the target cannot take guests over; StreamError, ToolstackError; what `source`
  /// throws; GuestUncooperative: it does not wake.
  AgentGuest(Target& target, const AgentImage& image, const SavedGuest& saved, migration::ByteSource& source);

  /// It counts once for each ms of the target's time, and lets that pass.
  void work(uint64_t ms);
  [[nodiscard]] uint64_t count();
  /// What is not as it should be in its memory; empty: all is.
  [[nodiscard]] std::string trouble();
  /// The guest suspends itself and is written to `sink`. It is gone afterwards; on an error it goes on, if it can.
  /// While it runs in a live save, and between checkpoints, it counts. ToolstackError: a PV guest cannot be saved live.
  SavedGuest save(migration::ByteSink& sink, const SaveWay& way = {});

  [[nodiscard]] DomId id() const { return guest_->id(); }
  [[nodiscard]] const migration::SaveReport& report() const { return report_; }
  [[nodiscard]] const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  [[nodiscard]] Gva pattern() const { return Gva{guest_->space().layout.heap_start}; }
  [[nodiscard]] Gva counter() const;
  void suspend();
  migration::Woken go_on();
  [[nodiscard]] migration::SaveReport write(migration::ByteSink& sink, const SaveWay& way,
                                            const std::function<void()>& pause);
  void take_over(const migration::RestoredDomain& restored, const SavedAgent& agent);
  void discard(DomId domain);

  Target& target_;
  const AgentImage& image_;
  GuestSpec spec_;
  uint64_t pattern_seed_;
  uint64_t expected_count_ = 0;
  migration::Host host_;
  migration::SaveReport report_;
  std::vector<std::string> left_out_;
  Domain* guest_ = nullptr;
  bool is_suspended_ = false;
};

}  // namespace assay
