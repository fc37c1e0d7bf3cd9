#include "conformance/runner/variants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/input/input_error.hpp"
#include "sim/input/nearest.hpp"

namespace assay {
namespace {

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
  return nearest(known_names(all), wrong);
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
