// Boxes by token, process-wide: how a worker finds a box of another thread. The
// one process-wide state of the addon; it is never destroyed, since workers may
// still run when static objects of the process are.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "engine/box/box.h"

namespace pagebox::addon {

/// A box with open handles. Goes with the last of them; the box itself lives on
/// while a run or a direct window has it.
struct SharedBox {
  explicit SharedBox(std::shared_ptr<Box> box) : box(std::move(box)) {}
  const std::shared_ptr<Box> box;
  /// A race has the box, or is about to; the race's own as well, which may outlive this.
  const std::shared_ptr<std::atomic<bool>> racing = std::make_shared<std::atomic<bool>>(false);
};

/// The box's token, the same at each call.
std::string token_of(const std::shared_ptr<SharedBox>& box);
/// Null: no open box has this token.
std::shared_ptr<SharedBox> find_box(const std::string& token);

}  // namespace pagebox::addon
