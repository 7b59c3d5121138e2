// What a cell of the room's table says, as one line to compare.
#pragma once

#include <cstdio>
#include <string>

#include "base/env.h"
#include "pins/room.h"

namespace pagebox::inline PAGEBOX_ENV {

inline std::string text(const RoomCell& cell) {
  std::string out(kCellKindNames[static_cast<unsigned>(cell.kind)]);
  for (const Collision& collision : cell.collisions) {
    char mask[32];
    std::snprintf(mask, sizeof mask, "%llx", static_cast<unsigned long long>(collision.mask));
    out += " page[" + std::to_string(collision.range.tail) + "]." + collision.field + ":" + mask;
  }
  return out;
}

}  // namespace pagebox::inline PAGEBOX_ENV
