#include "reports/page_files.hpp"

#include <fmt/format.h>

#include <set>
#include <stdexcept>

#include "reports/pack.hpp"

namespace assay {
namespace {

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

std::string page_script(std::string_view main) {
  Joiner joiner;
  joiner.add(main);
  return joiner.text();
}

std::string fill_page(std::string_view frame, const std::map<std::string_view, std::string>& parts) {
  std::string filled;
  for (;;) {
    const size_t open = frame.find("{{");
    const size_t close = open == std::string_view::npos ? open : frame.find("}}", open);
    if (close == std::string_view::npos) return filled.append(frame);
    filled.append(frame.substr(0, open));
    filled.append(parts.at(frame.substr(open + 2, close - open - 2)));
    frame.remove_prefix(close + 2);
  }
}

std::string data_element(const std::string& id, std::string_view json) {
  return fmt::format("<script type=\"application/octet-stream\" id=\"{}\">{}</script>\n", id, packed(json));
}

}  // namespace assay
