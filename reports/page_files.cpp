#include "reports/page_files.hpp"

#include <fmt/format.h>

#include <set>
#include <stdexcept>

namespace assay {
namespace {

constexpr std::string_view kMain = "main.js";

class Joiner {
 public:
  void add(std::string_view name) {
    if (!seen_.insert(std::string(name)).second) return;
    std::string own = fmt::format("\n// {}\n", name);
    std::string_view rest = page_file(name);
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('\n'), rest.size() - 1);
      add_line(rest.substr(0, end + 1), own);
      rest.remove_prefix(end + 1);
    }
    text_ += own;
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void add_line(std::string_view line, std::string& own) {
    constexpr std::string_view kExport = "export ";
    if (line.starts_with("import ")) {
      const size_t slash = line.rfind("'./");
      add(line.substr(slash + 3, line.rfind('\'') - slash - 3));
    } else {
      own += line.starts_with(kExport) ? line.substr(kExport.size()) : line;
    }
  }

  std::set<std::string> seen_;
  std::string text_;
};

}  // namespace

std::string_view page_file(std::string_view name) {
  for (const EmbeddedFile& file : embedded_page()) {
    if (file.name.substr(file.name.rfind('/') + 1) == name) return file.text;
  }
  throw std::logic_error(fmt::format("reports/page/ has no {}", name));
}

std::string page_script() {
  Joiner joiner;
  joiner.add(kMain);
  return joiner.text();
}

}  // namespace assay
