// What each part of pagebox needs of a layout: one list of named fields and flags. A
// layout that lacks one of them still serves descriptors and pins; the part refuses it by
// the name of what is missing.
#pragma once

#include <string>

#include "page/layout.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class LayoutUse : std::uint8_t {
  kMemoryManagement,  // address spaces, page cache, swap, huge pages: any machine
  kDevices,           // ZONE_DEVICE memory of a machine
};

/// The first thing that the layout lacks for this use, in words: "linux-6.12-32: address
/// spaces need descriptors of 8-byte words". Empty: nothing. Every way to build a machine
/// asks this, and nothing else.
std::string layout_lacks(const Layout& layout, LayoutUse use);

}  // namespace pagebox::inline PAGEBOX_ENV
