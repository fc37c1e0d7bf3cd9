#include "reports/json_reader.hpp"

#include <fmt/format.h>

namespace assay {

void JsonReader::fail(const std::string& what) const {
  throw JsonComplaint(what, path_);
}

void JsonReader::expected(const std::string& what) const {
  fail(fmt::format("{} must be {}", path_.empty() ? "the document" : "'" + path_.back() + "'", what));
}

std::optional<JsonReader> JsonReader::find(const std::string& key) const {
  if (!value_.is_object()) expected("an object");
  const auto found = value_.find(key);
  if (found == value_.end()) return std::nullopt;
  std::vector<std::string> path = path_;
  path.push_back(key);
  return JsonReader(*found, std::move(path));
}

JsonReader JsonReader::at(const std::string& key) const {
  auto found = find(key);
  if (!found) fail(fmt::format("'{}' is missing", key));
  return *std::move(found);
}

std::vector<JsonReader> JsonReader::items() const {
  if (!value_.is_array()) expected("a list");
  std::vector<JsonReader> all;
  all.reserve(value_.size());
  for (size_t i = 0; i < value_.size(); ++i) {
    std::vector<std::string> path = path_;
    path.push_back(std::to_string(i));
    all.emplace_back(value_[i], std::move(path));
  }
  return all;
}

std::string JsonReader::text() const {
  if (!value_.is_string()) expected("a text");
  return value_.get<std::string>();
}

uint64_t JsonReader::number() const {
  if (!value_.is_number_unsigned()) expected("a whole number, not negative");
  return value_.get<uint64_t>();
}

double JsonReader::real() const {
  constexpr double kMax = 1e12;  // far beyond any duration, and no overflow in any unit
  if (!value_.is_number() || value_.get<double>() < 0 || value_.get<double>() > kMax) {
    expected("a number, not negative");
  }
  return value_.get<double>();
}

bool JsonReader::flag() const {
  if (!value_.is_boolean()) expected("true or false");
  return value_.get<bool>();
}

std::vector<std::string> JsonReader::texts() const {
  std::vector<std::string> all;
  for (const JsonReader& item : items()) all.push_back(item.text());
  return all;
}

std::string JsonReader::text_or(const std::string& key, const std::string& otherwise) const {
  const auto found = find(key);
  return found ? found->text() : otherwise;
}

uint64_t JsonReader::number_or(const std::string& key, uint64_t otherwise) const {
  const auto found = find(key);
  return found ? found->number() : otherwise;
}

}  // namespace assay
