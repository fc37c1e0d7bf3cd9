#include "sim/devices/store_tree.hpp"

#include <stdexcept>
#include <utility>

#include "sim/devices/store_path.hpp"

namespace assay {

namespace {

/// Takes the first name off "/a/b": returns "a" and leaves "/b". Empty at the end.
std::string_view take_name(std::string_view& path) {
  path.remove_prefix(path.starts_with('/') ? 1 : 0);
  const std::string_view name = path.substr(0, path.find('/'));
  path.remove_prefix(name.size());
  return name;
}

StoreNode& unshare(std::shared_ptr<StoreNode>& node) {
  if (node.use_count() > 1) node = std::make_shared<StoreNode>(*node);
  return *node;
}

}  // namespace

StoreTree::StoreTree(StoreNode root) : root_(std::make_shared<StoreNode>(std::move(root))) {}

const StoreNode* StoreTree::find(std::string_view path) const {
  const StoreNode* node = root_.get();
  for (std::string_view name = take_name(path); !name.empty(); name = take_name(path)) {
    const auto child = node->children.find(name);
    if (child == node->children.end()) return nullptr;
    node = child->second.get();
  }
  return node;
}

uint64_t StoreTree::generation(std::string_view path) const {
  const StoreNode* const node = find(path);
  return node == nullptr ? 0 : node->generation;
}

std::string_view StoreTree::nearest_existing(std::string_view path) const {
  const StoreNode* node = root_.get();
  std::string_view rest = path;
  std::string_view nearest = path.substr(0, 1);
  for (std::string_view name = take_name(rest); !name.empty(); name = take_name(rest)) {
    const auto child = node->children.find(name);
    if (child == node->children.end()) break;
    node = child->second.get();
    nearest = path.substr(0, path.size() - rest.size());
  }
  return nearest;
}

StoreNode& StoreTree::change(std::string_view path) {
  StoreNode* node = &unshare(root_);
  for (std::string_view name = take_name(path); !name.empty(); name = take_name(path)) {
    const auto child = node->children.find(name);
    if (child == node->children.end()) throw std::logic_error("a change of a store node that does not exist");
    node = &unshare(child->second);
  }
  return *node;
}

}  // namespace assay
