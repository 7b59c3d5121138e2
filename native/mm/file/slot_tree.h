// An array of any length that costs what is in it: a radix tree of 64 slots a node,
// as high as its highest index needs. Finding the next slot that is used, and dropping
// all of them, costs what exists, not what the length would allow.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

/// T{} is an empty slot. Whoever shares one locks it.
template <class T>
class SlotTree {
 public:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  /// Null: empty.
  const T* find(std::uint64_t index) const {
    if (!reaches(index)) return nullptr;
    const Node* node = root_.get();
    for (unsigned level = height_ - 1; level > 0; --level) {
      node = node->children[digit(index, level)].get();
      if (node == nullptr) return nullptr;
    }
    const unsigned at = digit(index, 0);
    return (node->used >> at & 1) != 0 ? &leaf(*node).slots[at] : nullptr;
  }

  /// T{} empties the slot and costs no memory.
  void set(std::uint64_t index, T value) {
    if (value == T{}) {
      if (reaches(index)) (void)erase(*root_, height_ - 1, index);
      return;
    }
    while (!reaches(index)) grow();
    Node* node = root_.get();
    for (unsigned level = height_ - 1; level > 0; --level) {
      auto& child = node->children[digit(index, level)];
      if (child == nullptr) child = make(level - 1);
      node->used |= std::uint64_t{1} << digit(index, level);
      node = child.get();
    }
    leaf(*node).slots[digit(index, 0)] = std::move(value);
    node->used |= std::uint64_t{1} << digit(index, 0);
  }

  /// The first used slot from `index` on; kNone: there is none.
  std::uint64_t next(std::uint64_t index) const {
    return reaches(index) ? next(*root_, height_ - 1, index, 0) : kNone;
  }
  /// Behind the last used slot; 0: all are empty.
  std::uint64_t end() const {
    if (root_ == nullptr || root_->used == 0) return 0;
    const Node* node = root_.get();
    std::uint64_t index = 0;
    for (unsigned level = height_ - 1;; --level) {
      const auto at = static_cast<unsigned>(63 - std::countl_zero(node->used));
      index = index << kBits | at;
      if (level == 0) return index + 1;
      node = node->children[at].get();
    }
  }
  void clear() {
    root_.reset();
    height_ = 0;
  }

 private:
  static constexpr unsigned kBits = 6, kSlots = 1U << kBits;

  struct Node {
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    virtual ~Node() = default;
    std::uint64_t used = 0;  // a bit a slot; of an inner node: it has a child that is used
    std::unique_ptr<std::unique_ptr<Node>[]> children;
  };
  struct Leaf final : Node {
    std::array<T, kSlots> slots{};
  };

  static Leaf& leaf(Node& node) { return static_cast<Leaf&>(node); }
  static const Leaf& leaf(const Node& node) { return static_cast<const Leaf&>(node); }
  static unsigned digit(std::uint64_t index, unsigned level) {
    return static_cast<unsigned>(index >> (kBits * level)) & (kSlots - 1);
  }
  static std::unique_ptr<Node> make(unsigned level) {
    if (level == 0) return std::make_unique<Leaf>();
    auto node = std::make_unique<Node>();
    node->children = std::make_unique<std::unique_ptr<Node>[]>(kSlots);
    return node;
  }

  bool reaches(std::uint64_t index) const {
    return root_ != nullptr && (height_ * kBits >= 64 || index >> (height_ * kBits) == 0);
  }
  void grow() {
    auto above = make(height_);
    if (root_ != nullptr) {
      above->used = root_->used == 0 ? 0 : 1;
      above->children[0] = std::move(root_);
    }
    root_ = std::move(above);
    ++height_;
  }
  /// True: nothing is left below.
  static bool erase(Node& node, unsigned level, std::uint64_t index) {
    const unsigned at = digit(index, level);
    if (level == 0) {
      leaf(node).slots[at] = T{};
    } else {
      auto& child = node.children[at];
      if (child == nullptr || !erase(*child, level - 1, index)) return false;
      child.reset();
    }
    node.used &= ~(std::uint64_t{1} << at);
    return node.used == 0;
  }
  /// `index` counts below this node; `base` is its place.
  static std::uint64_t next(const Node& node, unsigned level, std::uint64_t index,
                            std::uint64_t base) {
    unsigned at = digit(index, level);
    for (std::uint64_t rest = node.used >> at << at; rest != 0; rest &= rest - 1) {
      const auto found = static_cast<unsigned>(std::countr_zero(rest));
      const std::uint64_t place = base << kBits | found;
      if (level == 0) return place;
      // Behind the first child all of a child counts.
      const std::uint64_t below =
          next(*node.children[found], level - 1, found == at ? index : 0, place);
      if (below != kNone) return below;
    }
    return kNone;
  }

  std::unique_ptr<Node> root_;
  unsigned height_ = 0;
};

}  // namespace pagebox::inline PAGEBOX_ENV
