#pragma once

#include "page/zone.h"

namespace pagebox::inline PAGEBOX_ENV {

template <class Fn>
Errc Zone::for_each(LruKind kind, Fn&& fn) const {
  const PageList pages = list(kind);
  // A cycle that leaves out the anchor ends where more pages were seen than are counted.
  std::uint64_t left = length(kind);
  Result<Page> at = pages.first();
  for (; at && at.value; at = pages.after(at.value)) {
    if (left-- == 0) return Errc::kCorrupt;
    fn(at.value);
  }
  if (!at) return at.error;
  return left == 0 ? Errc::kOk : Errc::kCorrupt;
}

}  // namespace pagebox::inline PAGEBOX_ENV
