// What the schemes that live in the list words do to a zone's LRU. Callers hold
// the zone's LRU lock.
#pragma once

#include "base/errc.h"
#include "page/memmap.h"
#include "page/zone.h"
#include "pins/target.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Takes the page off its list: true if it was on one. kCorrupt: a neighbour's
/// word is no list pointer; the page stays.
inline Result<bool> isolate_locked(const PinFrame& f, const Target& t) {
  const Page page = f.memmap->page(Pfn{t.pfn});
  if (!f.isolates || !page.test(Flag::kLru)) return false;
  if (const Errc error = f.zone->remove(page); error != Errc::kOk) return error;
  return true;
}

/// Whether a was-LRU bit in this page's words can be a pin's: slab, page-table
/// and device pages are on no LRU, and what looks like the bit is their own.
inline bool can_be_listed(Page page) {
  const Shape& shape = page.shape();
  // Zones beyond four, and so ZONE_DEVICE, need three bits.
  const bool device = shape.in_device_zone(page.flags());
  return !device && !page.test(Flag::kSlab) && page.mapcount_raw() >= kTypedBelow;
}

/// Back on the list that the page's flags ask for; it can be on one.
inline Errc link_locked(const PinFrame& f, const Target& t) {
  const Page page = f.memmap->page(Pfn{t.pfn});
  if (f.ops->settle != nullptr) f.ops->settle(f.ops->context, Pfn{t.pfn});
  return f.zone->add(page, Zone::kind_of(page));
}

/// The same, if it can be on one.
inline Errc putback_locked(const PinFrame& f, const Target& t) {
  return can_be_listed(f.memmap->page(Pfn{t.pfn})) ? link_locked(f, t) : Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
