#include "sim/saved/agent_guest.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include "sim/input/input_error.hpp"
#include "sim/toolstack/guest_adopter.hpp"
#include "sim/toolstack/memory_plan.hpp"
#include "sim/toolstack/migration/guest_suspension.hpp"
#include "sim/toolstack/migration/memory_pattern.hpp"
#include "sim/toolstack/migration/moved_guest.hpp"

namespace assay {

namespace {

using migration::MemoryPattern;

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kSuspendPolls = 1000;

uint64_t hash_of(const AgentImage& image) {
  return XXH3_64bits(image.file.data(), image.file.size());
}

GuestAdopter& adopter(Target& target) {
  auto* const adopter = dynamic_cast<GuestAdopter*>(&target);
  if (adopter == nullptr) {
    throw InputError(fmt::format("target {}: guests that were saved cannot be taken over there; hv, xen and cores can",
                                 target.info().kind));
  }
  return *adopter;
}

GuestSpace space_of(const AgentImage& image, const GuestSpec& spec) {
  return toolstack::plan_memory(image.layout, spec.type, spec.pages).space();
}

const SavedAgent& agent_of(const SavedGuest& saved, const AgentImage& image) {
  if (!saved.agent) throw InputError("the saved guest runs a kernel of its own, and no agent");
  if (saved.agent->image_hash != hash_of(image)) {
    throw InputError(
        "the guest was saved with another build of the agent; restore it with the program that saved it, or save anew");
  }
  const GuestSpace space = space_of(image, saved.spec);
  const uint64_t room = (space.layout.heap_end - space.layout.heap_start) / kPageSize;
  if (saved.agent->heap_used_pages <= MemoryPattern::kPages || saved.agent->heap_used_pages > room) {
    throw InputError(fmt::format("agent.heap_used_pages is {}; expected {} to {} for such a guest",
                                 saved.agent->heap_used_pages, MemoryPattern::kPages + 1, room));
  }
  if (saved.spec.vcpus_online > ASSAY_AGENT_VCPUS_MAX) {
    throw InputError(fmt::format("domain.vcpus_online is {}; the agent has at most {}", saved.spec.vcpus_online,
                                 ASSAY_AGENT_VCPUS_MAX));
  }
  return *saved.agent;
}

}  // namespace

AgentGuest::AgentGuest(Target& target, const AgentImage& image, const GuestSpec& spec, uint64_t pattern_seed)
    : target_(target), image_(image), spec_(spec), pattern_seed_(pattern_seed), host_(target.dom0()) {
  static_cast<void>(adopter(target));
  guest_ = &target.create_guest(spec);
  guest_->alloc_pages(MemoryPattern::kPages + 1);
  MemoryPattern(pattern_seed).fill(*guest_, pattern());
}

AgentGuest::AgentGuest(Target& target, const AgentImage& image, const SavedGuest& saved, migration::ByteSource& source)
    : target_(target),
      image_(image),
      spec_(saved.spec),
      pattern_seed_(agent_of(saved, image).pattern_seed),
      host_(target.dom0()) {
  static_cast<void>(adopter(target));
  const migration::RestoredDomain restored = host_.restore(saved.spec, source);
  try {
    take_over(restored, *saved.agent);
  } catch (...) {
    discard(restored.id);
    throw;
  }
}

void AgentGuest::discard(DomId domain) {
  try {
    if (guest_ != nullptr) target_.destroy_guest(*guest_);
    host_.destroy(domain);
  } catch (const std::runtime_error&) {  // the error that is under way matters more
  }
}

void AgentGuest::take_over(const migration::RestoredDomain& restored, const SavedAgent& agent) {
  const GuestSpace space = space_of(image_, spec_);
  const BuiltGuest built = migration::moved_guest(host_.tools(), restored, space, spec_.vcpus_online);
  host_.start(restored.id);
  guest_ = &adopter(target_).adopt_guest(built, restored.type);
  guest_->heap_go_back(Gva{space.layout.heap_start} + agent.heap_used_pages * kPageSize);
  if (migration::wake_guest(*guest_, target_.patience_ns()) != migration::Woken::kRestored) {
    throw GuestUncooperative("the restored guest does not go on");
  }
  left_out_ = restored.left_out;
  expected_count_ = agent.count;
}

Gva AgentGuest::counter() const {
  return pattern() + MemoryPattern::kPages * kPageSize;
}

void AgentGuest::work(uint64_t ms) {
  for (uint64_t i = 0; i < ms; ++i) {
    guest_->vcpu(0).atomic(ASSAY_ATOMIC_ADD, counter(), sizeof(uint64_t), 1);
    ++expected_count_;
    target_.pass_time(kNsPerMs);
  }
}

uint64_t AgentGuest::count() {
  return guest_->vcpu(0).read<uint64_t>(counter());
}

std::string AgentGuest::trouble() {
  if (const uint64_t is = count(); is != expected_count_) {
    return fmt::format("its counter is {}; expected {}", is, expected_count_);
  }
  const std::string difference = MemoryPattern(pattern_seed_).difference(*guest_, pattern());
  return difference.empty() ? "" : fmt::format("{} of its pattern has changed", difference);
}

void AgentGuest::suspend() {
  migration::suspend_guest(*guest_);
  is_suspended_ = true;
  for (uint64_t poll = 0; poll < kSuspendPolls; ++poll) {
    const auto info = host_.info(guest_->id());
    if (info && (info->flags & XEN_DOMINF_shutdown) != 0) return;
    target_.pass_time(kNsPerMs);
  }
  throw GuestUncooperative(
      fmt::format("the guest was told to suspend itself, and has not within {} ms", kSuspendPolls));
}

migration::Woken AgentGuest::go_on() {
  host_.go_on(guest_->id());
  is_suspended_ = false;
  return migration::wake_guest(*guest_, target_.patience_ns());
}

migration::SaveReport AgentGuest::write(migration::ByteSink& sink, const SaveWay& way,
                                        const std::function<void()>& pause) {
  if (way.is_live) {
    migration::LiveOptions options;
    options.on_round = [this](const migration::Round&) {
      if (!is_suspended_) work(1);
    };
    return host_.save_live(guest_->id(), sink, pause, options);
  }
  if (way.checkpoints != 0) {
    const auto run_on = [this] {
      if (go_on() != migration::Woken::kCancelled)
        throw GuestUncooperative("the guest does not go on after a checkpoint");
      work(1);
    };
    return host_.save_checkpoints(guest_->id(), sink,
                                  {.checkpoints = way.checkpoints, .suspend = pause, .go_on = run_on});
  }
  pause();
  return host_.save(guest_->id(), sink);
}

SavedGuest AgentGuest::save(migration::ByteSink& sink, const SaveWay& way) {
  SavedGuest saved;
  saved.spec = spec_;
  saved.saved_on = fmt::format("{} {}", target_.info().name, target_.info().version);
  SavedAgent agent{hash_of(image_), 0, pattern_seed_, 0};
  const auto pause = [&] {
    agent.count = count();
    suspend();
    agent.heap_used_pages = (guest_->heap_mark().raw() - pattern().raw()) / kPageSize;
  };
  try {
    report_ = write(sink, way, pause);
  } catch (const GuestUncooperative&) {
    throw;
  } catch (...) {
    if (is_suspended_) static_cast<void>(go_on());
    throw;
  }
  saved.agent = agent;
  target_.destroy_guest(*guest_);
  guest_ = nullptr;
  return saved;
}

}  // namespace assay
