/// The nodes of the store, by path. A copy of a tree costs nothing: copies share their nodes until one of them changes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "sim/devices/store_permissions.hpp"

namespace assay {

struct StoreNode {
  std::string value;
  StorePermissions permissions;
  /// Another one after each change of value, permissions or list of children; never 0, and never used twice.
  uint64_t generation = 0;
  /// By name. Change it through StoreTree::change only: a child may be shared with other trees.
  std::map<std::string, std::shared_ptr<StoreNode>, std::less<>> children;
};

class StoreTree {
 public:
  explicit StoreTree(StoreNode root);

  /// Null when there is no such node. `path` is absolute and valid, here and below.
  [[nodiscard]] const StoreNode* find(std::string_view path) const;
  /// 0 when there is no such node.
  [[nodiscard]] uint64_t generation(std::string_view path) const;
  /// `path` itself or what comes nearest above it.
  [[nodiscard]] std::string_view nearest_existing(std::string_view path) const;
  /// An existing node and the way to it, for changing: what other trees share is copied first.
  StoreNode& change(std::string_view path);

 private:
  std::shared_ptr<StoreNode> root_;
};

}  // namespace assay
