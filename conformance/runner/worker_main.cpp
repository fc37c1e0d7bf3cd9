#include "conformance/runner/worker_main.hpp"

#include <cstring>

#include "conformance/runner/frames.hpp"

namespace assay {
namespace {

std::unique_ptr<Target> make_or_report(const TargetFactory& make_target, int out) {
  FrameKind kind = FrameKind::kUnavailable;
  std::string why;
  try {
    return make_target();
  } catch (const HarnessFault& fault) {
    kind = FrameKind::kHarnessFault;
    why = fault.what();
  } catch (const std::exception& error) {
    why = error.what();
  }
  (void)write_frame(out, kind, why);  // if nobody listens, nobody needs to know
  return nullptr;
}

size_t variant_index(const Frame& frame) {
  uint64_t index = 0;
  if (frame.kind == FrameKind::kRun && frame.payload.size() == sizeof index) {
    std::memcpy(&index, frame.payload.data(), sizeof index);
    return index;
  }
  return SIZE_MAX;
}

}  // namespace

int worker_main(const TargetFactory& make_target, const std::vector<Variant>& variants, const Grader& grade, int in,
                int out) {
  const std::unique_ptr<Target> target = make_or_report(make_target, out);
  if (!target || !write_frame(out, FrameKind::kReady, encode(target->info()))) return 0;
  FrameReader orders(in);
  Frame order;
  while (read_frame_blocking(orders, order) == FrameReader::Status::kFrame) {
    const size_t index = variant_index(order);
    if (index >= variants.size()) return 1;
    CaseResult result = grade(*target, variants[index]);
    result.places_met = target->places_met();
    if (!write_frame(out, FrameKind::kResult, encode(result))) return 0;
  }
  return 0;
}

}  // namespace assay
