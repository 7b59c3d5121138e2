// The machine's part of a box's audit.
#include <algorithm>
#include <utility>

#include "base/fault.h"
#include "engine/audit/audit_storage.h"
#include "engine/box/box.h"
#include "engine/box/box_machine.h"
#include "mm/huge/huge.h"

namespace pagebox::inline PAGEBOX_ENV {
std::vector<HeldReference> BoxMachine::held_references() {
  std::vector<HeldReference> held;
  for (const auto& [id, taken] : pages_)
    for (const Pfn pfn : taken.pfns) held.push_back({.pfn = pfn, .pinned = taken.pinned});
  // And what was taken by pfn, past GUP.
  if (box_.ledger() != nullptr)
    for (const LedgerEntry& entry : box_.ledger()->entries())
      if (entry.holder < first_cpu_ && !box_.owns(entry.head))
        held.push_back({.pfn = entry.head, .pinned = true, .by_pfn = true, .count = entry.pins});
  const Accounts& accounts = box_.accounts();
  box_.memmap().for_each_touched([&](Pfn first, Pfn end) {
    for (Pfn pfn = first; pfn < end; pfn = pfn + 1) {
      if (box_.owns(pfn)) continue;
      if (const std::uint32_t refs = accounts.refs(pfn); refs != 0)
        held.push_back({.pfn = pfn, .by_pfn = true, .count = refs});
      if (accounts.isolated(pfn)) held.push_back({.pfn = pfn, .by_pfn = true, .isolated = true});
    }
  });
  return held;
}

/// Each page of a device that is there names it; no other page behind RAM names one.
void BoxMachine::check_pagemaps(AuditSink& sink) {
  const Memmap& memmap = box_.memmap();
  const Shape& shape = memmap.shape();
  if (shape.pgmap == 0) return;
  // A proposal may have no room for both: then whoever uses the page writes over it.
  std::string_view rival;
  for (const Field& field : memmap.layout().fields)
    if (field.contested && field.offset_bytes == shape.pgmap) rival = field.name;
  memmap.for_each_touched([&](Pfn first, Pfn end) {
    for (Pfn pfn = std::max(first, Pfn{memmap.pages()}); pfn < end; pfn = pfn + 1) {
      if (box_.owns(pfn)) continue;
      const DevPagemap* pagemap = DevPagemap::of(machine_, pfn);
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

void BoxMachine::check_mirror(ObjectId id, const Mm& mm, const Mirror& mirror, AuditSink& sink) {
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
      sink.add(Invariant::kMirrorInStep, AuditPlace::address(id, address), "mirror", found.value,
               entry.pfn.value, "pages that the process has there, and the device's table");
  });
}

void BoxMachine::audit(AuditSink& sink) {
  // Pages that wait for walkers which are gone are free.
  machine_.rcu.barrier();
  std::vector<Mm*> mms;
  mms.reserve(mms_.size());
  std::vector<std::uint64_t> ids;
  ids.reserve(mms_.size());
  for (const auto& [id, mm] : mms_) {
    mms.push_back(mm.mm.get());
    ids.push_back(id);
  }
  const std::vector<HeldReference> held = held_references();
  MmAuditInput input;
  input.mms = mms;
  input.held = held;
  input.processes = ids;
  input.is_foreign = [](const void* box, Pfn pfn) {
    return static_cast<const Box*>(box)->owns(pfn);
  };
  input.context = &box_;
  input.held_is_partial = box_.ledger() == nullptr;
  audit_mm(machine_, input, sink);
  check_pagemaps(sink);
  for (const auto& [id, each] : devices_) {
    if (each.dax != nullptr) audit_dax(*each.dax, input, sink);
    if (each.p2pdma != nullptr) audit_p2pdma(*each.p2pdma, input, sink);
  }
  for (const BoxDevice& each : left_) audit_dax(*each.dax, input, sink);
  for (const auto& [id, mm] : mms_)
    for (const auto& [device, mirror] : mm.mirrors) check_mirror(id, *mm.mm, *mirror, sink);
}

}  // namespace pagebox::inline PAGEBOX_ENV
