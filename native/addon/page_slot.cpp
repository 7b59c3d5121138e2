#include "addon/page_slot.h"

#include <algorithm>

namespace pagebox::addon {

unsigned PageSlot::add(BoxObject* box) {
  const auto free = std::find(boxes_.begin(), boxes_.end(), nullptr);
  const auto number = static_cast<unsigned>(free - boxes_.begin());
  if (free == boxes_.end())
    boxes_.push_back(box);
  else
    *free = box;
  known_ = boxes_;
  return number;
}

}  // namespace pagebox::addon
