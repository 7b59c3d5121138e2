// The machine's part of a box's audit.
#include <algorithm>
#include <utility>

#include "engine/audit/audit_storage.h"
#include "engine/box/box.h"
#include "engine/box/box_machine.h"
#include "mm/huge/huge.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

struct Told {
  Invariant invariant;
  const char* field;
};

/// By MmInvariant.
constexpr std::array<Told, kMmInvariants> kTold = {{
    {Invariant::kRefcountAccounted, "_refcount"},
    {Invariant::kMapcountAccounted, "_mapcount"},
    {Invariant::kPinsBalanced, "nr_foll_pin"},
    {Invariant::kRmapComplete, "mapping"},
    {Invariant::kSwapCounted, "swap_map"},
    {Invariant::kCacheLinked, "mapping"},
    {Invariant::kLruMembership, "lru"},
    {Invariant::kExclusiveOnce, "anon_exclusive"},
    {Invariant::kVmasOrdered, "vmas"},
    {Invariant::kMapcountAccounted, "_entire_mapcount"},
    {Invariant::kVmasOrdered, "pmd_huge_pte"},
    {Invariant::kCompoundIntact, "_deferred_list"},
    {Invariant::kHugetlbCounted, "hugetlb"},
    {Invariant::kWordsKept, "words"},
}};
static_assert(kTold.back().field != nullptr);

std::string address_field(std::uint64_t address) {
  std::string hex;
  for (std::uint64_t rest = address; rest != 0 || hex.empty(); rest >>= 4)
    hex.insert(hex.begin(), "0123456789abcdef"[rest & 15]);
  return "address 0x" + hex;
}

std::string field_of(const MmAuditRow& row, const char* field) {
  if (row.place == MmPlace::kSlot) return "swap slot " + std::to_string(row.where);
  if (row.place == MmPlace::kAddress) return address_field(row.where);
  return row.word.empty() ? field : std::string(row.word);
}

}  // namespace

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
      const std::uint64_t found = memmap.page(pfn).word(shape.pgmap / shape.word_bytes);
      if (pagemap == nullptr && found == 0) continue;
      const std::uint64_t expected = pagemap == nullptr ? 0 : pagemap->address();
      if (found != expected)
        sink.add(Invariant::kPgmapIntact, pfn, "pgmap", expected, found, [&] {
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

void BoxMachine::check_mirror(const Mm& mm, const Mirror& mirror, AuditSink& sink) {
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
    if (found != entry.pfn)
      sink.add(Invariant::kMirrorInStep, entry.pfn, address_field(address), entry.pfn.value,
               found.value, [] { return std::string("the device's table names another page"); });
  });
}

void BoxMachine::audit(AuditSink& sink) {
  // Pages that wait for walkers which are gone are free.
  machine_.rcu.barrier();
  std::vector<Mm*> mms;
  mms.reserve(mms_.size());
  for (const auto& [id, mm] : mms_) mms.push_back(mm.mm.get());
  const std::vector<HeldReference> held = held_references();
  MmAuditInput input;
  input.mms = mms;
  input.held = held;
  input.is_foreign = [](const void* box, Pfn pfn) {
    return static_cast<const Box*>(box)->owns(pfn);
  };
  input.context = &box_;
  input.held_is_partial = box_.ledger() == nullptr;
  for (const MmAuditRow& row : audit_mm(machine_, input)) {
    const Told& told = kTold[static_cast<unsigned>(row.invariant)];
    const Pfn pfn = row.place == MmPlace::kPfn ? Pfn{row.where} : kNoPfn;
    sink.add(told.invariant, pfn, field_of(row, told.field), row.expected, row.found,
             [&] { return row.explanation; });
  }
  check_pagemaps(sink);
  for (const auto& [id, each] : devices_) {
    if (each.dax != nullptr) audit_dax(*each.dax, input, sink);
    if (each.p2pdma != nullptr) audit_p2pdma(*each.p2pdma, input, sink);
  }
  for (const BoxDevice& each : left_) audit_dax(*each.dax, input, sink);
  for (const auto& [id, mm] : mms_)
    for (const auto& [device, mirror] : mm.mirrors) check_mirror(*mm.mm, *mirror, sink);
}

}  // namespace pagebox::inline PAGEBOX_ENV
