// References that are dropped, and what becomes of a folio with its last one: off its
// list and out of the swap cache, then back to the allocator, to the pool of huge pages
// or to its device (v6.12 mm/swap.c).
#pragma once

#include <span>

#include "page/page.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

class Cpu;
struct PagemapRange;

void folio_put(Cpu& cpu, Page folio);
/// folio_put() of each, in that order; what they free goes back in runs, under one lock.
/// What the span holds afterwards says nothing.
void folios_put(Cpu& cpu, std::span<Pfn> folios);
/// The last reference was dropped elsewhere (an unpin).
void free_folio(Cpu& cpu, Page folio);
/// The same of each whose count was frozen at zero (reclaim), in runs as folios_put().
void free_folios(Cpu& cpu, std::span<Pfn> folios);

/// Around the dropping of a reference or pin: tells the device whose page is idle
/// afterwards. Only for pages that keep a reference then; the device's memory stays
/// until the watch is over, though the page be somebody else's by then.
class IdleWatch {
 public:
  IdleWatch(Cpu& cpu, Page folio);
  ~IdleWatch();
  IdleWatch(const IdleWatch&) = delete;
  IdleWatch& operator=(const IdleWatch&) = delete;

 private:
  Cpu& cpu_;
  const Page folio_;
  const PagemapRange* const range_;  // null: nothing to watch
  unsigned token_ = 0;
};

}  // namespace pagebox::inline PAGEBOX_ENV
