#include "sim/saved/saved_guest.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/input/input_error.hpp"
#include "sim/input/json_place.hpp"
#include "sim/toolstack/memory_plan.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay {

namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "assay-saved-guest";
constexpr uint64_t kVersion = 2;
constexpr const char* kChecksum = "crc32";
constexpr size_t kTextMax = 4096;
constexpr size_t kHexDigits = 32, kChecksumDigits = 8;
constexpr uint64_t kCountMax = std::numeric_limits<int64_t>::max();

/// One object of the file, whose keys are asked for one by one.
class Fields {
 public:
  Fields(const Json& object, std::string name, std::string path)
      : object_(object), name_(std::move(name)), path_(std::move(path)) {
    if (object_.is_object()) return;
    const std::string which = path_.empty() ? "all of it" : path_.substr(0, path_.size() - 1);
    throw InputError(fmt::format("{}: {} is no object; save the guest again", name_, which));
  }

  [[nodiscard]] bool has(const char* key) const { return object_.contains(key); }

  uint64_t number(const char* key, uint64_t least, uint64_t most) {
    const Json& value = at(key);
    if (!value.is_number_unsigned() || value.get<uint64_t>() < least || value.get<uint64_t>() > most) {
      refuse(fmt::format("{} is {}; expected a number from {} to {}", key, value.dump(), least, most));
    }
    return value.get<uint64_t>();
  }
  /// -1, or what the ABI can say.
  int32_t limit(const char* key) {
    const Json& value = at(key);
    constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
    if (!value.is_number_integer() || value.get<int64_t>() < -1 || value.get<int64_t>() > kMost) {
      refuse(fmt::format("{} is {}; expected a number from -1 to {}", key, value.dump(), kMost));
    }
    return value.get<int32_t>();
  }
  std::string text(const char* key) {
    const Json& value = at(key);
    if (!value.is_string() || value.get_ref<const std::string&>().size() > kTextMax) {
      refuse(fmt::format("{} is no text of at most {} characters", key, kTextMax));
    }
    return value.get<std::string>();
  }
  std::string one_of(const char* key, std::initializer_list<std::string_view> known) {
    std::string value = text(key);
    for (const std::string_view one : known) {
      if (value == one) return value;
    }
    refuse(fmt::format("{} is \"{}\"; expected {}", key, value, fmt::join(known, " or ")));
  }
  Fields object(const char* key) { return {at(key), name_, fmt::format("{}{}.", path_, key)}; }
  /// Nothing else is there.
  void end() const {
    for (const auto& [key, value] : object_.items()) {
      if (!seen_.contains(key)) refuse(fmt::format("{} is not known", key));
    }
  }
  [[noreturn]] void refuse(const std::string& what) const {
    throw InputError(fmt::format("{}: {}{}; `assay save` writes this file, save the guest again", name_, path_, what));
  }

 private:
  const Json& at(const char* key) {
    if (!object_.contains(key)) refuse(fmt::format("{} is missing", key));
    seen_.insert(key);
    return object_.at(key);
  }

  const Json& object_;
  std::string name_, path_;
  std::set<std::string> seen_;
};

Json spec_json(const GuestSpec& spec) {
  return {{"type", to_string(spec.type)},
          {"vcpus", spec.vcpus},
          {"vcpus_online", spec.vcpus_online},
          {"pages", spec.pages},
          {"max_evtchn_port", spec.max_evtchn_port},
          {"max_grant_frames", spec.max_grant_frames},
          {"max_maptrack_frames", spec.max_maptrack_frames},
          {"max_grant_version", spec.max_grant_version}};
}

GuestSpec spec_from(Fields fields) {
  GuestSpec spec;
  const std::string type = fields.one_of("type", {to_string(GuestType::kPv64), to_string(GuestType::kPvh)});
  spec.type = type == to_string(GuestType::kPv64) ? GuestType::kPv64 : GuestType::kPvh;
  spec.vcpus = static_cast<uint32_t>(fields.number("vcpus", 1, kVcpusMax));
  spec.vcpus_online = static_cast<uint32_t>(fields.number("vcpus_online", 1, spec.vcpus));
  spec.pages = static_cast<uint32_t>(fields.number("pages", 1, toolstack::kPagesMax));
  spec.max_evtchn_port =
      static_cast<uint32_t>(fields.number("max_evtchn_port", 0, std::numeric_limits<uint32_t>::max()));
  spec.max_grant_frames = fields.limit("max_grant_frames");
  spec.max_maptrack_frames = fields.limit("max_maptrack_frames");
  spec.max_grant_version = static_cast<uint32_t>(fields.number("max_grant_version", 1, 2));
  fields.end();
  return spec;
}

std::string hash_from(Fields& fields, const char* key, size_t digits) {
  std::string text = fields.text(key);
  const bool is_hex = text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (text.size() != digits || !is_hex) fields.refuse(fmt::format("{} is not {} hexadecimal digits", key, digits));
  return text;
}

SavedAgent agent_from(Fields fields, const GuestSpec& spec) {
  SavedAgent agent;
  agent.image_hash = std::stoull(hash_from(fields, "image_hash", 16), nullptr, 16);
  agent.heap_used_pages = fields.number("heap_used_pages", 1, spec.pages);
  agent.pattern_seed = fields.number("pattern_seed", 0, kCountMax);
  agent.count = fields.number("count", 0, kCountMax);
  fields.end();
  return agent;
}

SavedKernel kernel_from(Fields fields) {
  SavedKernel kernel{fields.text("name")};
  fields.end();
  return kernel;
}

std::string dumped(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

/// Of all but the checksum itself, however it is laid out.
std::string checksum_of(Json json) {
  json.erase(kChecksum);
  const std::string text = dumped(json);
  return fmt::format("{:08x}", ::crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
}

void expect_unchanged(const Json& json, const std::string& says, const std::string& name) {
  const std::string is = checksum_of(json);
  if (is == says) return;
  throw InputError(
      fmt::format("{}: it was changed after `assay save` had written it: its {} is {}, and it says {}. The guest would "
                  "come back as another one; copy the file again, or save the guest again",
                  name, kChecksum, is, says));
}

SavedGuest guest_from(const Json& json, const std::string& name) {
  Fields fields(json, name, "");
  SavedGuest guest;
  fields.one_of("format", {kFormat});
  if (const uint64_t version = fields.number("version", 0, kCountMax); version != kVersion) {
    fields.refuse(fmt::format("version is {}; this program reads version {}", version, kVersion));
  }
  guest.made_by = fields.text("made_by");
  guest.saved_on = fields.text("saved_on");
  guest.stream_bytes = fields.number("stream_bytes", 1, kCountMax);
  guest.stream_xxh128 = hash_from(fields, "stream_xxh128", kHexDigits);
  guest.spec = spec_from(fields.object("domain"));
  if (fields.has("agent") == fields.has("kernel")) fields.refuse("not exactly one of agent and kernel is there");
  if (fields.has("agent")) guest.agent = agent_from(fields.object("agent"), guest.spec);
  if (fields.has("kernel")) guest.kernel = kernel_from(fields.object("kernel"));
  const std::string checksum = hash_from(fields, kChecksum, kChecksumDigits);
  fields.end();
  expect_unchanged(json, checksum, name);
  return guest;
}

}  // namespace

std::string SavedGuest::to_json() const {
  Json json{{"format", kFormat},        {"version", kVersion},          {"made_by", made_by},
            {"saved_on", saved_on},     {"stream_bytes", stream_bytes}, {"stream_xxh128", stream_xxh128},
            {"domain", spec_json(spec)}};
  if (agent) {
    json["agent"] = {{"image_hash", fmt::format("{:016x}", agent->image_hash)},
                     {"heap_used_pages", agent->heap_used_pages},
                     {"pattern_seed", agent->pattern_seed},
                     {"count", agent->count}};
  }
  if (kernel) json["kernel"] = {{"name", kernel->name}};
  json[kChecksum] = checksum_of(json);
  return dumped(json) + "\n";
}

SavedGuest SavedGuest::parse(std::string_view text, const std::string& name) {
  try {
    return guest_from(Json::parse(text), name);
  } catch (const Json::parse_error& error) {
    const TextPlace place = place_of_byte(text, error.byte == 0 ? 0 : error.byte - 1);
    throw InputError(fmt::format("{}:{}:{}: {}; `assay save` writes this file: copy it again, or save the guest again",
                                 name, place.line, place.column,
                                 error.byte > text.size() ? "the file ends here, in the middle" : "this is no JSON"));
  }
}

}  // namespace assay
