#include "conformance/runner/variants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <utility>

#include "conformance/runner/input_error.hpp"

namespace assay {
namespace {

constexpr size_t kSuggestionsMax = 3;

void add_need(std::vector<Capability>& needs, Capability capability) {
  if (std::find(needs.begin(), needs.end(), capability) == needs.end()) needs.push_back(capability);
}

Variant make_variant(const RegisteredCase& registered, GuestType type) {
  const CaseSpec& spec = registered.spec;
  Variant made{registered, type, std::string(spec.slug), spec.needs};
  if (spec.guests == GuestTypes::kDom0) {
    add_need(made.needs, Capability::kDom0);
    return made;
  }
  made.id += fmt::format("@{}", to_string(type));
  add_need(made.needs, type == GuestType::kPv64 ? Capability::kPv64Guest : Capability::kPvhGuest);
  if (spec.vcpus_online > 1) add_need(made.needs, Capability::kMultiVcpu);
  return made;
}

constexpr size_t kComparedMax = 120;  // characters of a name that count for similarity

/// Levenshtein distance.
size_t edit_distance(std::string_view a, std::string_view b) {
  b = b.substr(0, kComparedMax);
  std::array<size_t, kComparedMax + 1> row{};
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

std::set<std::string> known_names(const std::vector<Variant>& all) {
  std::set<std::string> names;
  for (const Variant& variant : all) {
    names.insert(variant.id);
    const std::string slug(variant.registered.spec.slug);
    for (size_t end = slug.find('.'); end != std::string::npos; end = slug.find('.', end + 1)) {
      names.insert(slug.substr(0, end));
    }
    names.insert(slug);
  }
  return names;
}

}  // namespace

std::vector<Variant> variants_of(const std::vector<RegisteredCase>& cases) {
  std::vector<Variant> all;
  for (const RegisteredCase& registered : cases) {
    const GuestTypes guests = registered.spec.guests;
    if (guests != GuestTypes::kPvh) all.push_back(make_variant(registered, GuestType::kPv64));
    if (guests == GuestTypes::kPvh || guests == GuestTypes::kBoth) {
      all.push_back(make_variant(registered, GuestType::kPvh));
    }
  }
  return all;
}

std::vector<Variant> all_variants() {
  return variants_of(registered_cases());
}

std::vector<std::string> suggest(const std::vector<Variant>& all, std::string_view wrong) {
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const std::string& name : known_names(all)) ranked.emplace_back(edit_distance(wrong, name), name);
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> nearest;
  for (const auto& [distance, name] : ranked) {
    if (nearest.size() == kSuggestionsMax || distance > std::max<size_t>(3, wrong.size() / 2)) break;
    nearest.push_back(name);
  }
  return nearest;
}

std::string did_you_mean(const std::vector<std::string>& suggestions) {
  if (suggestions.empty()) return "";
  return fmt::format("; did you mean {}?", fmt::join(suggestions, " or "));
}

std::vector<Variant> select_variants(const std::vector<Variant>& all, const std::vector<std::string>& prefixes) {
  if (prefixes.empty()) return all;
  std::vector<bool> chosen(all.size());
  for (const std::string& prefix : prefixes) {
    bool any = false;
    for (size_t i = 0; i < all.size(); ++i) {
      if (!all[i].id.starts_with(prefix)) continue;
      chosen[i] = any = true;
    }
    if (!any) {
      throw InputError(fmt::format("--select {}: no case begins with this{}; `assay list cases` prints all", prefix,
                                   did_you_mean(suggest(all, prefix))));
    }
  }
  std::vector<Variant> selected;
  for (size_t i = 0; i < all.size(); ++i) {
    if (chosen[i]) selected.push_back(all[i]);
  }
  return selected;
}

}  // namespace assay
