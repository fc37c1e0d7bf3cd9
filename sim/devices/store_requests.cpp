#include "sim/devices/store_requests.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "sim/abi/xen.hpp"
#include "sim/devices/device_abi.hpp"
#include "sim/devices/store_path.hpp"

namespace assay {

namespace {

using Answer = StoreResult<std::string>;
using Strings = std::vector<std::string_view>;

struct Request {
  XenStore& store;
  const StoreCaller& caller;
  std::string_view payload;
};

/// "OK", or the error.
Answer done(int error) {
  return {error, std::string("OK", sizeof "OK")};
}

void append_string(std::string& payload, std::string_view text) {
  payload.append(text).push_back('\0');
}

Answer string_answer(std::string_view text) {
  Answer answer;
  append_string(answer.value, text);
  return answer;
}

/// Takes a string off the front. Nothing when no nul ends it.
std::optional<std::string_view> take_string(std::string_view& payload) {
  const size_t end = payload.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view text = payload.substr(0, end);
  payload.remove_prefix(end + 1);
  return text;
}

/// The whole payload as strings. Nothing when it is empty or the last one has no end.
std::optional<Strings> all_strings(std::string_view payload) {
  if (payload.empty()) return std::nullopt;
  Strings strings;
  while (!payload.empty()) {
    const auto text = take_string(payload);
    if (!text) return std::nullopt;
    strings.push_back(*text);
  }
  return strings;
}

std::optional<std::string_view> only_string(std::string_view payload) {
  const auto text = take_string(payload);
  return payload.empty() ? text : std::nullopt;
}

Answer read(const Request& request) {
  const auto path = only_string(request.payload);
  return path ? request.store.read(request.caller, *path) : Answer{EINVAL, {}};
}

Answer write(const Request& request) {
  std::string_view value = request.payload;
  const auto path = take_string(value);
  return done(path ? request.store.write(request.caller, *path, value) : EINVAL);
}

Answer mkdir(const Request& request) {
  const auto path = only_string(request.payload);
  return done(path ? request.store.mkdir(request.caller, *path) : EINVAL);
}

Answer remove(const Request& request) {
  const auto path = only_string(request.payload);
  return done(path ? request.store.remove(request.caller, *path) : EINVAL);
}

std::string join(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) append_string(joined, name);
  return joined;
}

Answer directory(const Request& request) {
  const auto path = only_string(request.payload);
  if (!path) return {EINVAL, {}};
  const StoreResult<StoreListing> listing = request.store.directory(request.caller, *path);
  return {listing.error, join(listing.value.names)};
}

/// As many whole names from `offset` on as fit beside the generation. An empty name ends the list.
Answer part_of(const StoreListing& listing, size_t offset) {
  Answer answer = string_answer(std::to_string(listing.generation));
  const std::string names = join(listing.names);
  std::string_view rest = std::string_view(names).substr(std::min(offset, names.size()));
  while (!rest.empty()) {
    const std::string_view name = *take_string(rest);
    // One byte stays free for the end of the list.
    if (answer.value.size() + name.size() + 1 >= XENSTORE_PAYLOAD_MAX) return answer;
    append_string(answer.value, name);
  }
  answer.value.push_back('\0');
  return answer;
}

Answer directory_part(const Request& request) {
  const auto strings = all_strings(request.payload);
  if (!strings || strings->size() != 2) return {EINVAL, {}};
  const std::string_view text = strings->back();
  size_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error != std::errc{} || end != text.data() + text.size()) return {EINVAL, {}};
  const StoreResult<StoreListing> listing = request.store.directory(request.caller, strings->front());
  return listing.error != 0 ? Answer{listing.error, {}} : part_of(listing.value, offset);
}

Answer get_perms(const Request& request) {
  const auto path = only_string(request.payload);
  if (!path) return {EINVAL, {}};
  const StoreResult<StorePermissions> found = request.store.permissions(request.caller, *path);
  Answer answer{found.error, {}};
  for (const StorePermission& permission : found.value) append_string(answer.value, format(permission));
  return answer;
}

Answer set_perms(const Request& request) {
  const auto strings = all_strings(request.payload);
  if (!strings || strings->size() < 2) return {EINVAL, {}};
  StorePermissions permissions;
  for (const std::string_view text : std::span(*strings).subspan(1)) {
    const std::optional<StorePermission> permission = parse_permission(text);
    if (!permission) return {EINVAL, {}};
    permissions.push_back(*permission);
  }
  return done(request.store.set_permissions(request.caller, strings->front(), permissions));
}

/// Watch and unwatch: path, token, and perhaps reserved strings, which are ignored.
Answer change_watch(const Request& request, auto change) {
  std::string_view rest = request.payload;
  const auto path = take_string(rest);
  const auto token = take_string(rest);
  return done(path && token ? (request.store.*change)(request.caller.domain, *path, *token) : EINVAL);
}

Answer watch(const Request& request) {
  return change_watch(request, &XenStore::watch);
}
Answer unwatch(const Request& request) {
  return change_watch(request, &XenStore::unwatch);
}

Answer reset_watches(const Request& request) {
  request.store.reset(request.caller.domain);
  return done(0);
}

Answer transaction_start(const Request& request) {
  const StoreResult<uint32_t> started = request.store.start_transaction(request.caller);
  return started.error != 0 ? Answer{started.error, {}} : string_answer(std::to_string(started.value));
}

Answer transaction_end(const Request& request) {
  const auto verdict = only_string(request.payload);
  if (!verdict || (*verdict != "T" && *verdict != "F")) return {EINVAL, {}};
  return done(request.store.end_transaction(request.caller, *verdict == "T"));
}

std::optional<DomId> only_domid(const Request& request) {
  const auto text = only_string(request.payload);
  return text ? parse_domid(*text) : std::nullopt;
}

Answer get_domain_path(const Request& request) {
  const std::optional<DomId> domain = only_domid(request);
  return domain ? string_answer(domain_path(*domain)) : Answer{EINVAL, {}};
}

Answer is_domain_introduced(const Request& request) {
  const std::optional<DomId> domain = only_domid(request);
  if (!domain) return {EINVAL, {}};
  const bool is_introduced = *domain == DomId{DOMID_SELF} || request.store.is_introduced(*domain);
  return string_answer(is_introduced ? "T" : "F");
}

Answer refuse(const Request&) {
  return {EACCES, {}};
}

struct Operation {
  uint32_t type;
  Answer (*carry_out)(const Request&);
};

constexpr std::array kOperations = {
    Operation{XS_CONTROL, refuse},
    Operation{XS_DIRECTORY, directory},
    Operation{XS_READ, read},
    Operation{XS_GET_PERMS, get_perms},
    Operation{XS_WATCH, watch},
    Operation{XS_UNWATCH, unwatch},
    Operation{XS_TRANSACTION_START, transaction_start},
    Operation{XS_TRANSACTION_END, transaction_end},
    Operation{XS_INTRODUCE, refuse},
    Operation{XS_RELEASE, refuse},
    Operation{XS_GET_DOMAIN_PATH, get_domain_path},
    Operation{XS_WRITE, write},
    Operation{XS_MKDIR, mkdir},
    Operation{XS_RM, remove},
    Operation{XS_SET_PERMS, set_perms},
    Operation{XS_IS_DOMAIN_INTRODUCED, is_domain_introduced},
    Operation{XS_RESUME, refuse},
    Operation{XS_SET_TARGET, refuse},
    Operation{XS_RESET_WATCHES, reset_watches},
    Operation{XS_DIRECTORY_PART, directory_part},
};

StoreReply error_reply(int error) {
  const auto row = std::ranges::find(xsd_errors, error, &::xsd_errors::errnum);
  const char* const name = row == std::end(xsd_errors) ? "EINVAL" : row->errstring;
  return {XS_ERROR, string_answer(name).value};
}

}  // namespace

StoreReply answer(XenStore& store, const StoreCaller& caller, uint32_t type, std::string_view payload) {
  const auto operation = std::ranges::find(kOperations, type, &Operation::type);
  if (operation == kOperations.end()) return error_reply(ENOSYS);
  Answer answer = operation->carry_out({store, caller, payload});
  if (answer.error == 0 && answer.value.size() > XENSTORE_PAYLOAD_MAX) answer.error = E2BIG;
  if (answer.error != 0) return error_reply(answer.error);
  return {type, std::move(answer.value)};
}

}  // namespace assay
