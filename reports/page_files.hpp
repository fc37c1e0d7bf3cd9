/// The files of reports/page/ that the program carries inside itself.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "sim/base/embedded_file.hpp"

namespace assay {

/// reports/page/*.{html,css,js}, by name.
std::span<const EmbeddedFile> embedded_page();

/// One of them by the last part of its name; it must be there.
std::string_view page_file(std::string_view name);

/// All modules as one, since a page that is one file can import nothing: each after those that it imports, without the
/// words that import and export. For that an import is one line, and what is at the top of a module has a name that no
/// other module uses.
std::string page_script();

}  // namespace assay
