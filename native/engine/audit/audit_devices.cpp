#include "engine/audit/audit_devices.h"

#include <algorithm>

#include "base/fault.h"
#include "mm/huge/huge.h"
#include "zone_device/dev_pagemap.h"

namespace pagebox::inline PAGEBOX_ENV {

void audit_pagemaps(const Box& box, const Machine& machine, AuditSink& sink) {
  const Memmap& memmap = box.memmap();
  const Shape& shape = memmap.shape();
  if (shape.pgmap == 0) return;
  // A proposal may have no room for both: then whoever uses the page writes over it.
  std::string_view rival;
  for (const Field& field : memmap.layout().fields)
    if (field.contested && field.offset_bytes == shape.pgmap) rival = field.name;
  memmap.for_each_touched([&](Pfn first, Pfn end) {
    for (Pfn pfn = std::max(first, Pfn{memmap.pages()}); pfn < end; pfn = pfn + 1) {
      if (box.owns(pfn)) continue;
      const DevPagemap* pagemap = DevPagemap::of(machine, pfn);
      const std::uint64_t found = memmap.page(pfn).word_at(shape.pgmap);
      if (pagemap == nullptr && found == 0) continue;
      const std::uint64_t expected = pagemap == nullptr ? 0 : pagemap->address();
      if (found != expected)
        sink.add(Invariant::kPgmapIntact, AuditPlace::page(pfn), "pgmap", expected, found, [&] {
          if (pagemap == nullptr) return std::string("no device has this page");
          std::string text = "a device's page";
          if (!rival.empty())
            text += "; " + memmap.layout().name + " has it in the word of " + std::string(rival) +
                    ", which the page's user writes";
          return text;
        });
    }
  });
}

void audit_mirror(const Mm& mm, const Mirror& mirror, std::uint64_t process, AuditSink& sink) {
  mirror.table().for_each([&](std::uint64_t address, const MirrorEntry& entry) {
    const PteSlot pmd = mm.page_table.find_pmd(address);
    const bool huge = pmd && pmd.get().present() && pmd.get().huge();
    const PteSlot slot = huge ? pmd : mm.page_table.find(address);
    const Pte pte = slot ? slot.get() : Pte{};
    Pfn found = kNoPfn;
    if (huge)
      found = huge_pfn(pte, address);
    else if (pte.present())
      found = pte.pfn();
    else if (!pte.none() && pte.entry().has_page())
      found = pte.entry().pfn();
    if (found != entry.pfn && !planted(Mistake::kBlindMirror))
      sink.add(Invariant::kMirrorInStep, AuditPlace::address(process, address), "mirror",
               found.value, entry.pfn.value,
               "pages that the process has there, and the device's table");
  });
}

}  // namespace pagebox::inline PAGEBOX_ENV
