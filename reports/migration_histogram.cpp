#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "reports/html.hpp"
#include "reports/migration_page.hpp"

namespace assay {
namespace {

constexpr size_t kBinsMax = 24;

using Distribution = MigrationPage::Distribution;

/// The smallest value that at least this share of all reaches up to.
uint64_t percentile(const std::vector<uint64_t>& sorted, unsigned per_mille) {
  const size_t rank = (sorted.size() * per_mille + 999) / 1000;
  return sorted[std::max<size_t>(rank, 1) - 1];
}

std::string percentiles(const Distribution& distribution) {
  const auto& sorted = distribution.values;
  const std::array<std::pair<const char*, uint64_t>, 5> all{{{"least", sorted.front()},
                                                             {"median", percentile(sorted, 500)},
                                                             {"90%", percentile(sorted, 900)},
                                                             {"99%", percentile(sorted, 990)},
                                                             {"most", sorted.back()}}};
  std::string text = fmt::format("<dl class=\"percentiles\" aria-label=\"{}\">", html_escape(distribution.caption));
  for (const auto& [name, value] : all) {
    text += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, with_commas(value));
  }
  return text + "</dl>\n";
}

/// Each of so many values; as few as hold them all.
std::vector<uint64_t> bins_of(const std::vector<uint64_t>& sorted, uint64_t width) {
  std::vector<uint64_t> bins((sorted.back() - sorted.front()) / width + 1);
  for (const uint64_t value : sorted) ++bins[(value - sorted.front()) / width];
  return bins;
}

}  // namespace

std::string histogram_html(const Distribution& distribution) {
  const auto& sorted = distribution.values;
  const uint64_t low = sorted.front(), width = (sorted.back() - low) / kBinsMax + 1;
  const auto bins = bins_of(sorted, width);
  const auto most = static_cast<double>(std::ranges::max(bins));
  std::string text = fmt::format(
      "<div class=\"distribution\"><h3>{0}</h3>{1}<svg class=\"histogram\" viewBox=\"0 0 {2} 100\" "
      "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{0} of {3} moves, from {4} to {5}\">",
      html_escape(distribution.caption + ", " + distribution.unit), percentiles(distribution), bins.size() * 10,
      with_commas(sorted.size()), with_commas(low), with_commas(sorted.back()));
  for (size_t i = 0; i < bins.size(); ++i) {
    if (bins[i] == 0) continue;
    const double height = std::max(1.0, 100 * static_cast<double>(bins[i]) / most);
    text += fmt::format(
        "<rect class=\"bin\" x=\"{}\" y=\"{:.1f}\" width=\"9\" height=\"{:.1f}\"><title>{} to {} {}: {} moves</title>"
        "</rect>",
        i * 10, 100 - height, height, with_commas(low + i * width), with_commas(low + (i + 1) * width - 1),
        html_escape(distribution.unit), with_commas(bins[i]));
  }
  return text + fmt::format("</svg><p class=\"ticks\" aria-hidden=\"true\"><span>{}</span><span>{}</span></p></div>\n",
                            with_commas(low), with_commas(low + bins.size() * width - 1));
}

}  // namespace assay
