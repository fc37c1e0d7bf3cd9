/// Paths of the store, and domain ids in text. Source: xenstore.txt, introduction.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/base/strong.hpp"

namespace assay {

/// "/local/domain/7": what relative paths of a domain start from.
std::string domain_path(DomId domain);

/// The absolute form of a path that `domain` gave. Nothing when it is empty, too long (relative 2048, absolute 3072
/// bytes), has other characters than letters, digits and -/_@, a doubled or a trailing slash, or is special.
std::optional<std::string> absolute_path(DomId domain, std::string_view path);

/// "@introduceDomain", "@releaseDomain" and anything else that starts with @: can be watched, but is not in the tree.
bool is_special_path(std::string_view path);
/// Special, and not too long (2048 bytes).
bool is_valid_special_path(std::string_view path);

/// `top` itself and everything below it.
bool is_at_or_below(std::string_view path, std::string_view top);

/// "/a" for "/a/b", "/" for "/a". `path` must be absolute and not "/".
std::string_view parent_path(std::string_view path);
/// "b" for "/a/b".
std::string_view leaf_name(std::string_view path);
/// "/a/b" for "/a" and "b".
std::string child_path(std::string_view parent, std::string_view name);

/// Decimal, 0..65535, nothing before or behind it.
std::optional<DomId> parse_domid(std::string_view text);

}  // namespace assay
