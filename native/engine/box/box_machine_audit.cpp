// The machine's part of a box's audit.
#include <algorithm>
#include <utility>

#include "engine/audit/audit_devices.h"
#include "engine/audit/audit_storage.h"
#include "engine/box/box.h"
#include "engine/box/box_machine.h"

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
  audit_pagemaps(box_, machine_, sink);
  for (const auto& [id, each] : devices_) {
    if (each.dax != nullptr) audit_dax(*each.dax, input, sink);
    if (each.p2pdma != nullptr) audit_p2pdma(*each.p2pdma, input, sink);
  }
  for (const BoxDevice& each : left_) audit_dax(*each.dax, input, sink);
  for (const auto& [id, mm] : mms_)
    for (const auto& [device, mirror] : mm.mirrors) audit_mirror(*mm.mm, *mirror, id, sink);
}

}  // namespace pagebox::inline PAGEBOX_ENV
