#include "zone_device/dev_pagemap.h"

#include <utility>

#include "base/fault.h"
#include "mm/folio_state.h"
#include "mm/swap/release.h"
#include "page/device_base.h"
#include "page/setup.h"
#include "zone_device/migrate_device.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// References of a page that nobody uses.
std::int32_t idle_refs_of(const Shape& shape, DeviceMemory memory) {
  if (memory == DeviceMemory::kGeneric) return kGenericBase;
  return is_hmm(memory) ? shape.private_base : shape.zone_device_base;
}

constexpr const char* kReferences = "references to a page of a device to be dropped";

DevPagemap& self_of(void* self) { return *static_cast<DevPagemap*>(self); }

/// Flags that the next life of a page must not see. PG_swapbacked stays, as in v6.12:
/// so the memory of a device that was in use before is never freed lazily.
constexpr Flag kLifeFlags[] = {Flag::kDirty,       Flag::kReferenced,  Flag::kActive,
                               Flag::kWorkingset,  Flag::kUptodate,    Flag::kReclaim,
                               Flag::kUnevictable, Flag::kMlocked,     Flag::kOwnerPriv1,
                               Flag::kOwner2,      Flag::kMappedToDisk};

}  // namespace

const PagemapOps DevPagemap::kOps = {
    [](void* self, Cpu& cpu, Vma& vma, std::uint64_t address, Page page) {
      return self_of(self).driver_->migrate_to_ram(cpu, vma, address, page);
    },
    [](void* self, Cpu& cpu, std::span<const Pfn> pages) {
      self_of(self).release_pages(cpu, pages);
    },
    [](void*, Cpu& cpu, Page page) { return migrate_device_page(cpu, page); },
    [](void* self, Cpu& cpu, Page page) { self_of(self).page_idle(cpu, page); },
};

void PagemapDriver::pages_free(Cpu& cpu, const DevPagemap& pagemap, std::span<const Pfn> pages) {
  for (const Pfn pfn : pages) page_free(cpu, pagemap.machine().page(pfn));
}

DevPagemap* DevPagemap::of(const Machine& machine, Pfn pfn) {
  const PagemapRange* range = machine.pagemap(pfn);
  return range == nullptr ? nullptr : static_cast<DevPagemap*>(range->self);
}

std::uint64_t DevPagemap::address() const {
  return machine_.memmap.addresses().of_object(ObjectKind::kDevPagemap,
                                               pagemap_index(memory(), nth_));
}

DevPagemap::DevPagemap(Machine& machine, DeviceMemory memory, Pfn first, std::uint64_t pages,
                       std::uint64_t nth, const void* owner, PagemapDriver& driver)
    : machine_(machine),
      nth_(nth),
      owner_(owner),
      driver_(&driver),
      range_{first, pages, memory, &kOps, this, idle_refs_of(machine.memmap.shape(), memory)} {}

Errc DevPagemap::add() {
  if (is_live()) return Errc::kBusy;
  Memmap& memmap = machine_.memmap;
  const Pfn first = range_.first;
  const std::uint64_t pages = range_.pages;
  if (!memmap.is_device_range(first, pages)) return Errc::kInval;
  ref_.reinit();
  const Shape& shape = memmap.shape();
  const std::uint64_t pgmap = address();
  for (std::uint64_t i = 0; i < pages; ++i) {
    memmap.init_descriptor(first + i, kZoneDevice);
    const Page page = machine_.page(first + i);
    page.set(Flag::kReserved);
    if (shape.pgmap != 0) page.set_word_at(shape.pgmap, pgmap);
    page.set_refcount(idle_refs());
  }
  handed_out_ = std::make_unique<std::uint8_t[]>(pages);
  if (tracks_use()) in_use_ = std::make_unique<Atomic<std::uint32_t>[]>(pages);
  if (const Errc error = machine_.add_pagemap(&range_); error != Errc::kOk) return error;
  live_.store(1);
  return Errc::kOk;
}

Errc DevPagemap::init_page(Cpu& cpu, Pfn pfn) {
  const auto ready = init_pages(cpu, std::span(&pfn, 1));
  if (!ready) return ready.error;
  return ready.value == 1 ? Errc::kOk : Errc::kBusy;
}

Result<std::size_t> DevPagemap::init_pages(Cpu& cpu, std::span<Pfn> pfns) {
  if (!hold_for(cpu, pfns.size())) return Errc::kNoDev;
  if (tracks_use()) {
    std::size_t ready = 0;
    for (Pfn& pfn : pfns)
      if (machine_.page(pfn).try_freeze(idle_refs())) std::swap(pfns[ready++], pfn);
    if (ready < pfns.size()) drop_for(cpu, pfns.size() - ready);
    pfns = pfns.first(ready);
    for (const Pfn pfn : pfns) in_use_[pfn - range_.first].store(1);
  }
  {
    Guard guard(book_lock_);
    for (const Pfn pfn : pfns) handed_out_[pfn - range_.first] = 1;
  }
  const Shape& shape = machine_.memmap.shape();
  const bool keeps = machine_.device_pages_keep_mapping();
  for (const std::uint16_t life : {shape.mapping, shape.index, shape.private_word})
    if (life != shape.pgmap && !(keeps && life != shape.private_word))
      for (const Pfn pfn : pfns) machine_.page(pfn).set_word_at(life, 0);
  const Page any = machine_.page(range_.first);
  std::uint64_t earlier = 0;
  for (const Flag flag : kLifeFlags) earlier |= any.mask_of(flag);
  const std::uint64_t fresh = memory() != DeviceMemory::kP2pdma ? any.mask_of(Flag::kLocked) : 0;
  const std::int32_t references = 1 + range_.kept_refs();
  for (const Pfn pfn : pfns) {
    const Page page = machine_.page(pfn);
    // Nobody holds it, so nobody sets a flag meanwhile.
    page.set_flags((page.flags() & ~earlier) | fresh);
    page.set_refcount(references);
  }
  return pfns.size();
}

bool DevPagemap::try_get(Cpu& cpu, Page page) {
  if (!page.try_ref_add_unless_zero(1)) return false;
  // Where free pages have a reference, it may have been that one.
  if (!freed_when_idle() || in_use(machine_.pfn_of(page))) return true;
  folio_put(cpu, page);
  return false;
}

void DevPagemap::page_idle(Cpu& cpu, Page page) {
  if (!freed_when_idle()) {
    idle_events_.fetch_add(1);
    wake(idle_events_.address());
    return;
  }
  // Several may have seen the count fall: who freezes it first frees the page, and who
  // comes late finds it free or in use again.
  if (!page.try_freeze(idle_refs())) return;
  if (in_use_[machine_.pfn_of(page) - range_.first].exchange(0) != 0)
    free_folio(cpu, page);
  else
    page.unfreeze(idle_refs());
}

void DevPagemap::put_back_pgmap(Page page) const {
  const Shape& shape = machine_.memmap.shape();
  if (shape.pgmap == shape.mapping || shape.pgmap == shape.index)
    page.set_word_at(shape.pgmap, address());
}

/// How many of the pages, from the first on, were handed out: they are not any more.
std::size_t DevPagemap::take_back(std::span<const Pfn> pages) {
  Guard guard(book_lock_);
  std::size_t taken = 0;
  for (; taken < pages.size(); ++taken) {
    std::uint8_t& handed_out = handed_out_[pages[taken] - range_.first];
    if (handed_out == 0) break;
    handed_out = 0;
  }
  return taken;
}

void DevPagemap::tell_not_handed_out(Pfn pfn) const {
  const auto idle = static_cast<std::uint64_t>(idle_refs());
  machine_.damage.add({pfn, "_refcount", idle, 0,
                       "the last reference of a device's page was dropped that nobody uses: it "
                       "stays where it is"});
  machine_.page(pfn).set_refcount(idle_refs());
}

void DevPagemap::release_pages(Cpu& cpu, std::span<const Pfn> pages) {
  while (!pages.empty()) {
    const std::size_t taken = take_back(pages);
    if (taken > 0) give_to_driver(cpu, pages.first(taken));
    if (taken == pages.size()) return;
    tell_not_handed_out(pages[taken]);
    pages = pages.subspan(taken + 1);
  }
}

void DevPagemap::give_to_driver(Cpu& cpu, std::span<const Pfn> pages) {
  // The free path has reset `mapping` before: from here on the pages are the driver's.
  for (const Pfn pfn : pages) put_back_pgmap(machine_.page(pfn));
  if (memory() == DeviceMemory::kP2pdma && tracks_use())
    for (const Pfn pfn : pages) in_use_[pfn - range_.first].store(0);
  if (idle_refs() != 0)
    for (const Pfn pfn : pages) machine_.page(pfn).set_refcount(idle_refs());
  driver_->pages_free(cpu, *this, pages);
  if (!planted(Mistake::kPagemapReferenceKept)) drop_for(cpu, pages.size());
}

bool DevPagemap::hold_for(Cpu& cpu, std::size_t pages) {
  if (!pages_keep_it()) return !ref_.is_dying();
  return ref_.tryget_live(cpu.index, static_cast<std::uint32_t>(pages));
}

void DevPagemap::drop_for(Cpu& cpu, std::size_t pages) {
  if (pages_keep_it()) ref_.put(cpu.index, static_cast<std::uint32_t>(pages));
}

void DevPagemap::kill() {
  if (!ref_.is_dying()) ref_.kill();
}

std::uint64_t DevPagemap::pages_in_use() const { return holders().size(); }

std::int32_t DevPagemap::own_refs(Pfn pfn) const {
  const bool handed_out = memory() == DeviceMemory::kP2pdma && tracks_use() && in_use(pfn);
  return handed_out ? 0 : idle_refs();
}

std::vector<PageHolder> DevPagemap::holders() const {
  std::vector<PageHolder> found;
  if (!is_live()) return found;
  for (std::uint64_t i = 0; i < range_.pages; ++i) {
    const Page page = machine_.page(range_.first + i);
    const std::int32_t refs = page.refcount();
    const std::int32_t mapcount = page_mapcount(page);
    if (refs == own_refs(range_.first + i) && mapcount == 0) continue;
    found.push_back(
        {range_.first + i, refs, mapcount, machine_.pins.maybe_pinned(range_.first + i)});
  }
  return found;
}

bool DevPagemap::wait_idle(Page page) const {
  for (Retry retry(nullptr);;) {
    const std::uint32_t seen = idle_events_.load();
    const std::int32_t refs = page.refcount();
    if (refs <= idle_refs()) return true;
    if (retry.wait_on(idle_events_.address(), seen)) continue;
    tell_gave_up({kReferences, page.at(), true, idle_refs(), refs});
    return false;
  }
}

/// No reference can be taken any more, and none is held. False: one is, and nothing
/// has changed.
bool DevPagemap::freeze_idle() {
  // HMM's pages: ref_ has counted those in use. p2pdma's can be got while they are free.
  if (idle_refs() == 0 || is_hmm(memory())) return true;
  for (std::uint64_t i = 0; i < range_.pages; ++i) {
    if (machine_.page(range_.first + i).try_freeze(idle_refs())) continue;
    while (i-- > 0) machine_.page(range_.first + i).unfreeze(idle_refs());
    return false;
  }
  return true;
}

Errc DevPagemap::remove() {
  if (!ref_.wait_zero(nullptr)) {
    tell_holder();
    return Errc::kBusy;
  }
  for (Retry retry(kReferences); !freeze_idle();) {
    for (std::uint64_t i = 0; i < range_.pages; ++i)
      if (!wait_idle(machine_.page(range_.first + i))) return Errc::kBusy;
    if (!retry.again()) return Errc::kBusy;
  }
  take_out();
  return Errc::kOk;
}

void DevPagemap::tell_holder() const {
  const std::vector<PageHolder> found = holders();
  if (found.empty()) return tell_gave_up({"references to a device's memory", nullptr});
  const PageHolder& first = found.front();
  tell_gave_up(
      {kReferences, machine_.page(first.pfn).at(), true, own_refs(first.pfn), first.refcount});
}

Errc DevPagemap::try_remove() {
  if (!ref_.is_zero() || !freeze_idle()) return Errc::kBusy;
  take_out();
  return Errc::kOk;
}

void DevPagemap::abandon() {
  if (!is_live()) return;
  machine_.remove_pagemap(&range_);
  live_.store(0);
}

void DevPagemap::take_out() {
  machine_.remove_pagemap(&range_);
  // A walker that found a page before has dropped it again after this.
  machine_.rcu.synchronize();
  for (std::uint64_t i = 0; i < range_.pages; ++i)
    (void)clear_page(machine_.memmap, machine_.zone, range_.first + i);
  live_.store(0);
}

}  // namespace pagebox::inline PAGEBOX_ENV
