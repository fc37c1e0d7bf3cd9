#include "conformance/runner/case_result.hpp"

#include <nlohmann/json.hpp>

namespace assay {
namespace {

using nlohmann::json;

std::string to_bytes(const json& value) {
  const std::vector<uint8_t> cbor = json::to_cbor(value);
  return {cbor.begin(), cbor.end()};
}

std::vector<CaseStep> decode_steps(const json& value) {
  std::vector<CaseStep> steps;
  for (const json& step : value) {
    steps.push_back({step.at(0).get<std::string>(), step.at(1).get<std::string>(), step.at(2).get<std::string>(),
                     step.at(3).get<bool>(), step.at(4).get<uint32_t>()});
  }
  return steps;
}

}  // namespace

std::string encode(const CaseResult& result) {
  json steps = json::array();
  for (const CaseStep& step : result.steps) {
    steps.push_back({step.vcpu, step.kind, step.text, step.failed, step.repeats});
  }
  return to_bytes({{"verdict", to_string(result.verdict)},
                   {"message", result.message},
                   {"notes", result.notes},
                   {"console", result.console},
                   {"evidence", result.evidence},
                   {"steps", steps},
                   {"digest", result.digest},
                   {"duration_us", result.duration_us},
                   {"boots", result.boots},
                   {"places_met", result.places_met}});
}

CaseResult decode_result(std::string_view bytes) {
  const json value = json::from_cbor(bytes);
  const auto verdict = verdict_from(value.at("verdict").get<std::string>());
  if (!verdict) throw HarnessFault("a worker sent an unknown verdict");
  return {.verdict = *verdict,
          .message = value.at("message").get<std::string>(),
          .notes = value.at("notes").get<std::vector<std::string>>(),
          .console = value.at("console").get<std::string>(),
          .evidence = value.at("evidence").get<std::string>(),
          .steps = decode_steps(value.at("steps")),
          .digest = value.at("digest").get<uint64_t>(),
          .duration_us = value.at("duration_us").get<uint64_t>(),
          .boots = value.at("boots").get<uint32_t>(),
          .places_met = value.at("places_met").get<std::vector<uint32_t>>()};
}

std::string encode(const TargetInfo& info) {
  json capabilities = json::array();
  for (const Capability capability : info.capabilities) capabilities.push_back(to_string(capability));
  return to_bytes(
      {{"kind", info.kind}, {"name", info.name}, {"version", info.version}, {"capabilities", capabilities}});
}

TargetInfo decode_target_info(std::string_view bytes) {
  const json value = json::from_cbor(bytes);
  TargetInfo info{value.at("kind").get<std::string>(),
                  value.at("name").get<std::string>(),
                  value.at("version").get<std::string>(),
                  {}};
  for (const json& name : value.at("capabilities")) {
    const auto capability = capability_from(name.get<std::string>());
    if (!capability) throw HarnessFault("a worker sent an unknown capability");
    info.capabilities.push_back(*capability);
  }
  return info;
}

}  // namespace assay
