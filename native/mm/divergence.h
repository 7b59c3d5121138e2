// Where mm acted otherwise than the kernel because of the pin scheme. A recorded
// scenario asks for it, so that a result which differs from the recording can be
// traced to what the scheme declares; elsewhere nothing is kept.
#pragma once

#include <vector>

#include "base/env.h"
#include "page/pfn.h"
#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

struct Divergence {
  Pfn head;
  PinEffect effect;
};

/// Written by one thread: scenarios in order have only one.
class DivergenceLog {
 public:
  void add(Pfn head, PinEffect effect) { entries_.push_back({head, effect}); }
  const std::vector<Divergence>& entries() const { return entries_; }
  void clear() { entries_.clear(); }

 private:
  std::vector<Divergence> entries_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
