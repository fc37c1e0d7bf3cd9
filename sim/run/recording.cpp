#include "sim/run/recording.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

namespace assay {

namespace {

constexpr const char* kFormat = "assay-recording";
constexpr int kVersion = 1;
constexpr uint64_t kHeaderBytesMax = 1 << 20;
constexpr uint64_t kFileBytesMax = Recording::kDigestsMax * sizeof(uint64_t) + kHeaderBytesMax;
constexpr uint64_t kInputBytesMax = 512ull << 20;

std::string hex(uint64_t value) {
  return fmt::format("{:#018x}", value);
}

uint64_t number(const nlohmann::json& json, const char* key) {
  return std::stoull(json.at(key).get<std::string>(), nullptr, 16);
}

nlohmann::json header_of(const Recording& recording) {
  const GuestRunInputs& inputs = recording.inputs;
  const char* type = !inputs.type ? "auto" : *inputs.type == GuestType::kPvh ? "pvh" : "pv64";
  return {{"format", kFormat},
          {"version", kVersion},
          {"made_by", recording.made_by},
          {"core", inputs.core.string()},
          {"kernel", inputs.kernel.string()},
          {"kernel_hash", hex(recording.kernel_hash)},
          {"type", type},
          {"initrd", inputs.initrd.string()},
          {"initrd_hash", hex(recording.initrd_hash)},
          {"command_line", inputs.command_line},
          {"memory_mib", inputs.memory_mib},
          {"vcpus", inputs.vcpus},
          {"seed", hex(inputs.seed)},
          {"end_ns", recording.end_ns},
          {"end", static_cast<unsigned>(recording.end)},
          {"console_hash", hex(recording.console_hash)},
          {"exits", recording.digests.size()}};
}

GuestRunInputs inputs_from(const nlohmann::json& json) {
  GuestRunInputs inputs;
  inputs.core = json.at("core").get<std::string>();
  inputs.kernel = json.at("kernel").get<std::string>();
  const auto type = json.at("type").get<std::string>();
  if (type == "pvh") inputs.type = GuestType::kPvh;
  if (type == "pv64") inputs.type = GuestType::kPv64;
  inputs.initrd = json.at("initrd").get<std::string>();
  inputs.command_line = json.at("command_line").get<std::string>();
  inputs.memory_mib = json.at("memory_mib").get<uint64_t>();
  inputs.vcpus = json.at("vcpus").get<uint32_t>();
  inputs.seed = number(json, "seed");
  constexpr uint64_t kMemoryMaxMib = 1024;
  constexpr uint32_t kVcpusMost = 32;
  if (inputs.memory_mib == 0 || inputs.memory_mib > kMemoryMaxMib || inputs.vcpus == 0 || inputs.vcpus > kVcpusMost) {
    throw std::out_of_range("a guest of an impossible size");
  }
  return inputs;
}

Recording recording_from(const nlohmann::json& json) {
  if (json.at("format") != kFormat) throw std::invalid_argument("not a recording of assay run");
  if (json.at("version") != kVersion) {
    throw std::invalid_argument(
        fmt::format("a recording of version {}; this program reads version {}", json.at("version").dump(), kVersion));
  }
  Recording recording;
  recording.inputs = inputs_from(json);
  recording.made_by = json.at("made_by").get<std::string>();
  recording.kernel_hash = number(json, "kernel_hash");
  recording.initrd_hash = number(json, "initrd_hash");
  recording.end_ns = json.at("end_ns").get<uint64_t>();
  const auto end = json.at("end").get<unsigned>();
  if (end > static_cast<unsigned>(GuestEnd::kCoreDied)) throw std::out_of_range("an end that there is not");
  recording.end = static_cast<GuestEnd>(end);
  recording.console_hash = number(json, "console_hash");
  return recording;
}

std::string event_text(uint64_t now_ns, uint32_t pcpu, const assay_run& run, const assay_exit& exit) {
  std::string text = fmt::format("at {} ns on pcpu {}: d{}v{} leaves for reason {}", now_ns, pcpu, run.domid,
                                 run.vcpu_id, exit.reason);
  if (run.regs != nullptr) {
    text += fmt::format(", rip {:#x} rax {:#x} rdi {:#x} rsi {:#x} rdx {:#x}", run.regs->rip, run.regs->rax,
                        run.regs->rdi, run.regs->rsi, run.regs->rdx);
  }
  return text;
}

}  // namespace

uint64_t hash_of(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Recording Recording::parse(std::span<const std::byte> file) {
  const char* const text = reinterpret_cast<const char*>(file.data());
  const char* const header_end = text + std::min(file.size(), kHeaderBytesMax);
  const char* const line_end = std::find(text, header_end, '\n');
  if (line_end == header_end || text[0] != '{') throw RecordingError("not a recording of assay run");
  try {
    const nlohmann::json header = nlohmann::json::parse(text, line_end);
    Recording recording = recording_from(header);
    const auto count = header.at("exits").get<uint64_t>();
    const uint64_t bytes = file.size() - static_cast<uint64_t>(line_end + 1 - text);
    if (count > kDigestsMax || bytes != count * sizeof(uint64_t)) throw std::length_error("it was cut short");
    recording.digests.resize(count);
    if (count != 0) std::memcpy(recording.digests.data(), line_end + 1, bytes);
    return recording;
  } catch (const std::exception& error) {
    throw RecordingError(error.what());
  }
}

Recording Recording::load(const std::filesystem::path& path) {
  const std::vector<std::byte> file = read_whole_file(path, kFileBytesMax);
  try {
    return parse(file);
  } catch (const RecordingError& error) {
    throw std::runtime_error(path.string() + ": " + error.what());
  }
}

void Recording::save(const std::filesystem::path& path) const {
  std::filesystem::path partial = path;
  partial += ".partial";
  std::ofstream file(partial, std::ios::binary | std::ios::trunc);
  file << header_of(*this).dump() << '\n';
  file.write(reinterpret_cast<const char*>(digests.data()),
             static_cast<std::streamsize>(digests.size() * sizeof(uint64_t)));
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(partial, path, error);
  if (!file || error)
    throw std::runtime_error(path.string() + ": cannot be written; check the path and the space there");
}

void Recording::check_files() const {
  const auto check = [](const std::filesystem::path& path, uint64_t expected) {
    if (hash_of(read_whole_file(path, kInputBytesMax)) != expected) {
      throw std::runtime_error(path.string() + ": not the file that was recorded; its contents have changed");
    }
  };
  check(inputs.kernel, kernel_hash);
  if (!inputs.initrd.empty()) check(inputs.initrd, initrd_hash);
}

void DigestLog::on_exit(uint64_t, uint32_t, const assay_run&, const assay_exit&) {
  if (digests_.size() < Recording::kDigestsMax) digests_.push_back(run_.digest());
}

void DigestCheck::on_exit(uint64_t now_ns, uint32_t pcpu, const assay_run& run, const assay_exit& exit) {
  const uint64_t index = next_++;
  if (!difference_.empty() || index >= Recording::kDigestsMax) return;
  if (index >= expected_.size()) {
    difference_ =
        fmt::format("exit {}, which the recording does not have: {}", index, event_text(now_ns, pcpu, run, exit));
  } else if (expected_[index] != run_.digest()) {
    difference_ = fmt::format("exit {} differs: now {}", index, event_text(now_ns, pcpu, run, exit));
  }
}

}  // namespace assay
