#include <fmt/format.h>

#include <algorithm>

#include "reports/html.hpp"
#include "reports/migration_page.hpp"

namespace assay {
namespace {

constexpr uint64_t kNsPerUs = 1000;
/// Lanes are so wide, in units that a browser stretches.
constexpr double kWidth = 1000;
/// What is narrower would not be seen on a telephone.
constexpr double kSpanMin = 2, kMarkWidth = 5;
constexpr unsigned kTicks = 4;

using Move = MigrationPage::Move;

std::string us(uint64_t ns) {
  return fmt::format("{}.{:03}", with_commas(ns / kNsPerUs), ns % kNsPerUs);
}

class Timeline {
 public:
  explicit Timeline(const Move& move) : move_(move), end_ns_(std::max<uint64_t>(1, move.to_ns)) {}

  [[nodiscard]] std::string html() const {
    std::string text = "<div class=\"lanes\">";
    for (size_t host = 0; host < move_.hosts.size(); ++host) text += lane(host);
    return text + ruler() + "</div>\n" + phases();
  }

 private:
  [[nodiscard]] double x(uint64_t ns) const {
    return kWidth * static_cast<double>(std::min(ns, end_ns_)) / static_cast<double>(end_ns_);
  }

  [[nodiscard]] std::string lane(size_t host) const {
    std::string text = fmt::format(
        "<p class=\"lane-name\">{0}</p><svg class=\"lane\" viewBox=\"0 0 1000 20\" preserveAspectRatio=\"none\" "
        "role=\"img\" aria-label=\"{0}: {1}\">",
        html_escape(move_.hosts[host]), html_escape(in_words(host)));
    for (const auto& span : move_.spans) {
      if (span.host != host) continue;
      text += fmt::format(
          "<rect class=\"hue{}\" x=\"{:.2f}\" width=\"{:.2f}\" height=\"20\"><title>{}: {} to {} us</title></rect>",
          span.hue, x(span.from_ns), std::max(x(span.to_ns) - x(span.from_ns), kSpanMin), html_escape(span.what),
          us(span.from_ns), us(span.to_ns));
    }
    for (const auto& mark : move_.marks) {
      if (mark.host != host) continue;
      text +=
          fmt::format("<rect class=\"mark\" x=\"{:.2f}\" width=\"{}\" height=\"20\"><title>{}: {} us</title></rect>",
                      std::min(x(mark.ns), kWidth - kMarkWidth), kMarkWidth, html_escape(mark.what), us(mark.ns));
    }
    return text + "</svg>\n";
  }

  [[nodiscard]] std::string in_words(size_t host) const {
    std::string text;
    const auto add = [&](const std::string& what) { text += (text.empty() ? "" : ", then ") + what; };
    for (const auto& span : move_.spans) {
      if (span.host == host) add(span.what);
    }
    for (const auto& mark : move_.marks) {
      if (mark.host == host) add(fmt::format("at {} us: {}", us(mark.ns), mark.what));
    }
    return text;
  }

  [[nodiscard]] std::string ruler() const {
    std::string text = "<p class=\"ticks\" aria-hidden=\"true\">";
    for (unsigned tick = 0; tick <= kTicks; ++tick) {
      text += fmt::format("<span>{}{}</span>", with_commas(end_ns_ * tick / kTicks / kNsPerUs),
                          tick == kTicks ? " us" : "");
    }
    return text + "</p>";
  }

  [[nodiscard]] std::string row(const std::string& swatch, const std::string& what, size_t host, uint64_t from_ns,
                                uint64_t to_ns) const {
    return fmt::format(
        "<tr role=\"row\"{}><th scope=\"row\" role=\"rowheader\"><i class=\"swatch {}\" "
        "aria-hidden=\"true\"></i>{}</th>"
        "<td role=\"cell\" data-column=\"Host\">{}</td><td role=\"cell\" data-column=\"From, us\">{}</td>"
        "<td role=\"cell\" data-column=\"To, us\">{}</td></tr>\n",
        swatch == "mark" ? " class=\"bad\"" : "", swatch, html_escape(what), html_escape(move_.hosts.at(host)),
        us(from_ns), us(to_ns));
  }

  /// Each span and mark in words and numbers; it explains the colours, too.
  [[nodiscard]] std::string phases() const {
    std::string text =
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Phases\"><table class=\"numbers stacked\" "
        "role=\"table\"><thead role=\"rowgroup\"><tr role=\"row\"><th scope=\"col\" role=\"columnheader\">Phase</th>"
        "<th scope=\"col\" role=\"columnheader\">Host</th><th scope=\"col\" role=\"columnheader\">From, us</th>"
        "<th scope=\"col\" role=\"columnheader\">To, us</th></tr></thead><tbody role=\"rowgroup\">\n";
    for (const auto& span : move_.spans) {
      text += row(fmt::format("hue{}", span.hue), span.what, span.host, span.from_ns, span.to_ns);
    }
    for (const auto& mark : move_.marks) text += row("mark", mark.what, mark.host, mark.ns, mark.ns);
    return text + "</tbody></table></div>\n";
  }

  const Move& move_;
  uint64_t end_ns_;
};

}  // namespace

std::string timeline_html(const Move& move) {
  return Timeline(move).html();
}

}  // namespace assay
