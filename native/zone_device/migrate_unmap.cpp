// The second half of setup: off the LRU, out of every other page table, and a
// first look at who else holds the page.
#include "base/uninit_array.h"
#include "mm/folio_state.h"
#include "mm/migrate.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "zone_device/dev_pagemap.h"
#include "zone_device/migrate_device.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Nobody but mappings, caches and we hold the page. A device page is granted the one
/// that it keeps for itself, though since v5.18 it has none: the exact test in
/// folio_migrate_mapping catches what slips through here.
bool may_move(Machine& machine, Page folio, Page fault_page, std::int32_t mapcount) {
  std::int32_t extra = 1 + (folio == fault_page ? 1 : 0);
  if (machine.is_zone_device(machine.pfn_of(folio))) ++extra;
  if (folio_in_cache(machine, folio)) extra += 1 + (folio.test(Flag::kPrivate) ? 1 : 0);
  return count_sum(folio.refcount(), -extra) <= mapcount;
}

/// Takes pages off the LRU, kLockedFolios under one lock, until one is met that is on none: that
/// may be due to another CPU's batch. How many words it is done with. Collect's reference is
/// isolation's.
std::uint64_t isolate_run(Machine& machine, std::span<const MigratePfn> src) {
  UninitArray<Page, kLockedFolios> room;
  UninitArray<std::uint64_t, kLockedFolios> nth;
  for (std::uint64_t i = 0; i < src.size();) {
    std::size_t count = 0;
    for (; i < src.size() && count < room.size(); ++i) {
      if (!src[i].valid() || machine.is_zone_device(src[i].pfn())) continue;
      room[count] = machine.page(src[i].pfn());
      nth[count++] = i;
    }
    const Guard guard(machine.zone.lru_lock());
    const std::size_t gone = Zone::Removals(machine.zone).remove_each(room.first(count));
    if (gone < count) return nth[gone];
  }
  return src.size();
}

bool isolate(Cpu& cpu, Page folio, bool& drained) {
  if (!folio.test(Flag::kLru) && !drained) {
    lru_add_drain_all(cpu);
    drained = true;
  }
  if (!folio_isolate_lru(cpu, folio)) return false;
  folio_put(cpu, folio);  // isolation's reference takes the place of collect's
  return true;
}

}  // namespace

std::uint64_t migrate_device_unmap(Cpu& cpu, std::span<MigratePfn> src, Page fault_page,
                                   Page locked_page) {
  Machine& machine = cpu.machine;
  std::uint64_t unmapped = 0, restore = 0, isolated = 0;
  bool drained = false;
  lru_add_drain(cpu);
  for (std::uint64_t i = 0; i < src.size(); ++i) {
    MigratePfn& word = src[i];
    if (!word.valid()) {
      if (word.migrate()) ++unmapped;
      continue;
    }
    const Page folio = machine.page(word.pfn());
    const bool device = machine.is_zone_device(word.pfn());
    if (!device && i >= isolated) isolated = i + isolate_run(machine, src.subspan(i));
    if (!device && i >= isolated && !isolate(cpu, folio, drained)) {
      cpu.note(Reached::kDeviceHeld);
      word.clear(MigratePfn::kMigrate);
      ++restore;
      continue;
    }
    std::int32_t mapcount = folio_mapcount(machine, folio);
    if (mapcount > 0) {
      (void)try_to_migrate(cpu, folio);
      mapcount = folio_mapcount(machine, folio);
    }
    if (mapcount > 0 || !may_move(machine, folio, fault_page, mapcount)) {
      if (!device) folio_add_lru(cpu, folio);
      cpu.note(Reached::kDeviceHeld);
      word.clear(MigratePfn::kMigrate);
      ++restore;
      continue;
    }
    ++unmapped;
  }
  for (MigratePfn& word : src) {
    if (restore == 0) break;
    if (!word.valid() || word.migrate()) continue;
    const Page folio = machine.page(word.pfn());
    remove_migration_entries(cpu, folio, folio);
    word = {};
    if (folio != locked_page) folio_unlock(folio);
    folio_put(cpu, folio);
    --restore;
  }
  return unmapped;
}

void migrate_device_range(Cpu& cpu, std::span<MigratePfn> src, DevPagemap& device,
                          std::uint64_t most) {
  Machine& machine = cpu.machine;
  const Pfn first = device.first();
  for (std::uint64_t i = 0; i < src.size(); ++i) {
    const Page page = machine.page(first + i);
    src[i] = {};
    if (most == 0 || !device.try_get(cpu, page)) continue;
    if (!folio_trylock(page)) {
      folio_put(cpu, page);
      continue;
    }
    src[i] = MigratePfn::of(first + i);
    src[i].set(MigratePfn::kMigrate);
    --most;
  }
  (void)migrate_device_unmap(cpu, src, {}, {});
}

}  // namespace pagebox::inline PAGEBOX_ENV
