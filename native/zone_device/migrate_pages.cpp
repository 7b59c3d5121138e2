// migrate_vma_pages and migrate_vma_finalize.
#include <algorithm>
#include <utility>

#include "base/fault.h"
#include "base/uninit_array.h"
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/migrate.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "zone_device/dev_pagemap.h"
#include "zone_device/migrate_device.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// An empty place or a zero page gets a page of its own. False: something else
/// stands there by now.
bool insert_page(Cpu& cpu, Vma& vma, std::uint64_t address, Page page) {
  Machine& machine = cpu.machine;
  if (!vma.is_anonymous() || anon_vma_prepare(cpu, vma) != Errc::kOk) return false;
  const auto table = vma.mm->page_table.alloc(cpu, address);
  if (!table) return false;
  const PteSlot slot = table.value;
  const Pfn pfn = machine.pfn_of(page);
  page.set(Flag::kUptodate);
  Pte pte;
  if (machine.is_device_private(pfn)) {
    const bool write = (vma.flags & kVmWrite) != 0;
    pte = Pte::of(SwapEntry{write ? EntryType::kDeviceWrite : EntryType::kDeviceRead, pfn.value});
  } else {
    pte = Pte::of(pfn, vma.page_prot);
    if ((vma.flags & kVmWrite) != 0) pte = pte.mkdirty().with(Pte::kWrite);
  }
  Guard guard(*slot.lock);
  const Pte old = slot.get();
  if (!old.none() && !(old.present() && machine.is_zero_pfn(old.pfn())) &&
      !planted(Mistake::kInsertUnchecked))
    return false;
  if (machine.device_pages_keep_mapping() && folio_test_anon(page))
    folio_add_anon_rmap(cpu, page, vma, address, true);
  else
    folio_add_new_anon_rmap(cpu, page, vma, address, true);
  if (!machine.is_zone_device(pfn)) folio_add_lru_vma(cpu, page, vma);
  machine.get(page);
  cpu.note(Reached::kToDeviceNew);
  if (!old.none()) (void)slot.clear_and_flush();
  if (pte.present())
    slot.map(pte);
  else
    slot.replace(pte);
  return true;
}

/// The device's descriptor has room for what leads from a page to its file, and to its
/// buffers. Two proposals of 2018 have not.
bool has_room_for_file(const Shape& shape) {
  return shape.device_mapping == shape.mapping && shape.device_index == shape.index &&
         shape.device_private == shape.private_word;
}

/// Only anonymous memory moves to a device, and only once swap forgets it; pages of
/// files by the extension.
bool may_enter_device(Cpu& cpu, Page to, Page from) {
  if (folio_test_anon(from)) return !folio_test_swapcache(from) || folio_free_swap(cpu, from);
  if (!cpu.machine.has(MachineOption::kFileBackedDevicePages) || !has_room_for_file(to.shape()) ||
      folio_file(cpu.machine, from) == nullptr)
    return false;
  // Left of an earlier life: it would take a page of a disk for one of tmpfs.
  to.clear(Flag::kSwapBacked);
  return true;
}

/// The destination takes the source's place in its owner.
bool take_over(Cpu& cpu, Page to, Page from, Page fault_page) {
  Machine& machine = cpu.machine;
  const DevPagemap* device = DevPagemap::of(machine, machine.pfn_of(to));
  if (device != nullptr) {
    if (!is_hmm(device->memory()) || !may_enter_device(cpu, to, from)) return false;
  }
  if (folio_migrate_mapping(cpu, to, from, from == fault_page ? 1 : 0) != Errc::kOk) return false;
  cpu.note(device != nullptr ? Reached::kToDevice : Reached::kToRam);
  folio_migrate_flags(cpu, to, from);
  return true;
}

/// Pages whose reference migration gives up: those of RAM go back to the LRU. A few at
/// a time, each kind in its order.
class Returned {
 public:
  explicit Returned(Cpu& cpu) : cpu_(cpu) {}
  ~Returned() { flush(); }
  Returned(const Returned&) = delete;
  Returned& operator=(const Returned&) = delete;

  void add(Pfn pfn) {
    if (cpu_.machine.is_zone_device(pfn)) {
      device_[device_count_++] = pfn;
      if (device_count_ == device_.size()) flush_device();
    } else {
      ram_[ram_count_++] = pfn;
      if (ram_count_ == ram_.size()) flush_ram();
    }
  }
  void flush() {
    flush_device();
    flush_ram();
  }

 private:
  void flush_device() { folios_put(cpu_, device_.first(std::exchange(device_count_, 0))); }
  void flush_ram() {
    if (ram_count_ == 0) return;
    folios_putback_lru(cpu_, ram_.first(std::exchange(ram_count_, 0)));
  }

  Cpu& cpu_;
  std::size_t device_count_ = 0, ram_count_ = 0;
  UninitArray<Pfn, 32> device_, ram_;
};

void pages(Cpu& cpu, std::span<MigratePfn> src, std::span<const MigratePfn> dst,
           MigrateVma* migrate) {
  Machine& machine = cpu.machine;
  for (std::uint64_t i = 0; i < src.size(); ++i) {
    MigratePfn& word = src[i];
    if (!dst[i].valid()) {
      word.clear(MigratePfn::kMigrate);
      continue;
    }
    if (!word.migrate()) continue;
    const Page to = machine.page(dst[i].pfn());
    bool moved = false;
    if (word.valid())
      moved = take_over(cpu, to, machine.page(word.pfn()),
                        migrate != nullptr ? migrate->fault_page : Page());
    else if (migrate != nullptr)
      moved = insert_page(cpu, *migrate->vma, migrate->start + i * kPageBytes, to);
    if (moved) continue;
    cpu.note(Reached::kDeviceRefused);
    word.clear(MigratePfn::kMigrate);
  }
}

/// Where a page that setup took is from now on.
Pfn moved_to(MigratePfn src, MigratePfn dst) {
  return src.migrate() && dst.valid() ? dst.pfn() : src.pfn();
}

constexpr std::size_t kRun = 64;

/// At most kRun pages.
void finalize_run(Cpu& cpu, std::span<const MigratePfn> src, std::span<const MigratePfn> dst,
                  Page locked_page, Returned& returned) {
  Machine& machine = cpu.machine;
  UninitArray<MovedPage, kRun> moved;
  std::size_t count = 0;
  for (std::size_t i = 0; i < src.size(); ++i) {
    if (!src[i].valid()) continue;
    const Pfn from = src[i].pfn(), to = moved_to(src[i], dst[i]);
    // What goes to the LRU needs its reference there.
    moved[count++] = {from, to, to != from && machine.is_zone_device(to)};
  }
  remove_migration_entries(cpu, moved.first(count));

  const auto give_back = [&](MigratePfn word) {
    if (!word.valid() || planted(Mistake::kDestinationKept)) return;
    returned.flush();
    folio_unlock(machine.page(word.pfn()));
    folio_put(cpu, machine.page(word.pfn()));
  };
  for (std::size_t i = 0, nth = 0; i < src.size(); ++i) {
    if (!src[i].valid()) {
      give_back(dst[i]);
      continue;
    }
    const MovedPage each = moved[nth++];
    const Page from = machine.page(each.from), to = machine.page(each.to);
    if (to == from) give_back(dst[i]);
    // Its file knows the other one now: nobody may take this one for the file's.
    if (to != from && !folio_test_anon(from)) from.set_mapping(0);
    if (from != locked_page) folio_unlock(from);
    returned.add(each.from);
    if (to == from || each.hands_over) continue;
    folio_unlock(to);
    returned.add(each.to);
  }
}

void finalize(Cpu& cpu, std::span<const MigratePfn> src, std::span<const MigratePfn> dst,
              Page locked_page) {
  Returned returned(cpu);
  for (std::size_t i = 0; i < src.size(); i += kRun) {
    const std::size_t run = std::min(kRun, src.size() - i);
    finalize_run(cpu, src.subspan(i, run), dst.subspan(i, run), locked_page, returned);
  }
}

}  // namespace

void migrate_vma_pages(Cpu& cpu, MigrateVma& migrate) {
  // Places without a page get one now: who mirrors the process hears of the rest
  // of the range, once, from the first such place.
  for (std::uint64_t i = 0; i < migrate.src.size(); ++i) {
    if (!migrate.dst[i].valid() || migrate.src[i].valid() || !migrate.src[i].migrate()) continue;
    Invalidation invalidation(
        cpu, *migrate.vma->mm,
        {migrate.start + i * kPageBytes, migrate.end, NotifyEvent::kMigrate, migrate.pgmap_owner});
    pages(cpu, migrate.src, migrate.dst, &migrate);
    return;
  }
  pages(cpu, migrate.src, migrate.dst, &migrate);
}

void migrate_vma_finalize(Cpu& cpu, MigrateVma& migrate) {
  finalize(cpu, migrate.src, migrate.dst, migrate.locked_page);
}

void migrate_device_pages(Cpu& cpu, std::span<MigratePfn> src, std::span<const MigratePfn> dst) {
  pages(cpu, src, dst, nullptr);
}

void migrate_device_finalize(Cpu& cpu, std::span<const MigratePfn> src,
                             std::span<const MigratePfn> dst) {
  finalize(cpu, src, dst, {});
}

Errc migrate_device_page(Cpu& cpu, Page page) {
  Machine& machine = cpu.machine;
  MigratePfn src = MigratePfn::of(machine.pfn_of(page));
  MigratePfn dst;
  src.set(MigratePfn::kMigrate);
  folio_lock(page);
  if (page.mapping() == 0) {
    // Truncated meanwhile: there is nothing to move, and nothing to find here.
    folio_unlock(page);
    folio_put(cpu, page);
    return Errc::kOk;
  }
  (void)migrate_device_unmap(cpu, std::span(&src, 1), {}, {});
  if (!src.migrate()) return Errc::kBusy;
  const auto fresh = machine.alloc_folio(cpu);
  if (fresh) {
    folio_lock(fresh.value);
    dst = MigratePfn::of(machine.pfn_of(fresh.value));
  }
  migrate_device_pages(cpu, std::span(&src, 1), std::span(&dst, 1));
  if (src.migrate()) machine.frames.copy(dst.pfn(), src.pfn());
  migrate_device_finalize(cpu, std::span(&src, 1), std::span(&dst, 1));
  if (!fresh) return fresh.error;
  return src.migrate() ? Errc::kOk : Errc::kBusy;
}

}  // namespace pagebox::inline PAGEBOX_ENV
