/// The files of reports/page/ that the program carries inside itself.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "sim/base/embedded_file.hpp"

namespace assay {

/// reports/page/*.{html,css,js}, by name.
std::span<const EmbeddedFile> embedded_page();

/// One of them by the last part of its name; it must be there.
std::string_view page_file(std::string_view name);

/// `main` and all modules that it imports as one, since a page that is one file can import nothing: each after those
/// that it imports, without the words that import and export. For that an import is one line, and what is at the top of
/// a module has a name that no other module of the page uses.
std::string page_script(std::string_view main);

/// `frame` with each {{name}} replaced by its part. What is put in is not looked at again.
std::string fill_page(std::string_view frame, const std::map<std::string_view, std::string>& parts);

/// Data for the script, which unpacks it.
std::string data_element(const std::string& id, std::string_view json);

}  // namespace assay
