#include "fuzz/driver/reproducer.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <sstream>
#include <stdexcept>

namespace assay::fuzz {
namespace {

constexpr std::string_view kFormat = "assay-reproducer";
constexpr std::string_view kVersion = "1";
constexpr size_t kHeaderBytesMax = 256;

[[noreturn]] void refuse(const std::string& why) {
  throw std::invalid_argument(why);
}

}  // namespace

std::string hash_of(std::string_view input) {
  return fmt::format("{:016x}", XXH3_64bits(input.data(), input.size()));
}

std::string to_bytes(const Reproducer& reproducer) {
  return fmt::format("{} {} {} {} {} {}\n{}", kFormat, kVersion, reproducer.target, reproducer.version,
                     reproducer.input.size(), hash_of(reproducer.input), reproducer.input);
}

std::string file_name(const Reproducer& reproducer) {
  return fmt::format("{}-{}.fuzz", reproducer.target, hash_of(reproducer.input));
}

Reproducer reproducer_from_bytes(std::string_view file) {
  const size_t end = file.substr(0, kHeaderBytesMax).find('\n');
  std::istringstream header{std::string(file.substr(0, end))};
  std::string format;
  std::string version;
  std::string hash;
  size_t bytes = 0;
  Reproducer reproducer;
  header >> format >> version;
  if (end == std::string_view::npos || format != kFormat) refuse("not a reproducer of assay fuzz");
  if (version != kVersion) {
    refuse(fmt::format("a reproducer of form {}; this program reads form {}", version, kVersion));
  }
  if (!(header >> reproducer.target >> reproducer.version >> bytes >> hash)) refuse("its first line is damaged");
  reproducer.input = file.substr(end + 1);
  if (reproducer.input.size() != bytes) {
    refuse(fmt::format("cut short or added to: {} bytes of input, not {}", reproducer.input.size(), bytes));
  }
  if (hash_of(reproducer.input) != hash) refuse("its input is not what it was: damaged, or edited");
  return reproducer;
}

}  // namespace assay::fuzz
