/// Reading JSON that somebody else wrote: whatever is missing or of another type is a complaint that knows its place.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace assay {

/// `path` leads from the root to what is wrong: keys and indices.
class JsonComplaint : public std::runtime_error {
 public:
  JsonComplaint(const std::string& what, std::vector<std::string> path)
      : std::runtime_error(what), path_(std::move(path)) {}
  [[nodiscard]] const std::vector<std::string>& path() const { return path_; }

 private:
  std::vector<std::string> path_;
};

/// A value and the way to it. Refers to a document that must outlive it. Every function throws JsonComplaint.
class JsonReader {
 public:
  using Json = nlohmann::ordered_json;
  explicit JsonReader(const Json& value, std::vector<std::string> path = {}) : value_(value), path_(std::move(path)) {}

  /// A member, of an object only.
  [[nodiscard]] JsonReader at(const std::string& key) const;
  [[nodiscard]] std::optional<JsonReader> find(const std::string& key) const;
  /// The elements, of an array only.
  [[nodiscard]] std::vector<JsonReader> items() const;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] uint64_t number() const;
  [[nodiscard]] double real() const;  ///< not negative
  [[nodiscard]] bool flag() const;
  [[nodiscard]] std::vector<std::string> texts() const;

  /// Of a member that may be absent.
  [[nodiscard]] std::string text_or(const std::string& key, const std::string& otherwise) const;
  [[nodiscard]] uint64_t number_or(const std::string& key, uint64_t otherwise) const;

  [[noreturn]] void fail(const std::string& what) const;

 private:
  [[noreturn]] void expected(const std::string& what) const;
  const Json& value_;
  std::vector<std::string> path_;
};

}  // namespace assay
