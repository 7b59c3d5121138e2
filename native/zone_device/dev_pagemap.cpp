#include "zone_device/dev_pagemap.h"

#include "mm/folio_state.h"
#include "page/setup.h"
#include "zone_device/migrate_device.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

MemoryType type_of(DeviceMemory memory) {
  switch (memory) {
    case DeviceMemory::kPrivate: return MemoryType::kDevicePrivate;
    case DeviceMemory::kPublic: return MemoryType::kDevicePublic;
    case DeviceMemory::kCoherent: return MemoryType::kDeviceCoherent;
    case DeviceMemory::kFsdax: return MemoryType::kFsdax;
    case DeviceMemory::kGeneric: return MemoryType::kGeneric;
    case DeviceMemory::kP2pdma: return MemoryType::kP2pdma;
  }
  return MemoryType::kDevicePrivate;
}

/// The driver hands pages out and gets them back, so that each use is counted.
bool driver_allocates(DeviceMemory memory) {
  return memory == DeviceMemory::kPrivate || memory == DeviceMemory::kPublic ||
         memory == DeviceMemory::kCoherent;
}

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
    [](void* self, Cpu& cpu, Page page) { self_of(self).release_page(cpu, page); },
    [](void*, Cpu& cpu, Page page) { return migrate_device_coherent_page(cpu, page); },
};

DevPagemap* DevPagemap::of(const Machine& machine, Pfn pfn) {
  const PagemapRange* range = machine.pagemap(pfn);
  return range == nullptr ? nullptr : static_cast<DevPagemap*>(range->self);
}

std::int32_t DevPagemap::idle_refs() const { return driver_allocates(memory_) ? 0 : 1; }

DevPagemap::DevPagemap(Machine& machine, DeviceMemory memory, Pfn first, std::uint64_t pages,
                       std::uint64_t nth, const void* owner, PagemapDriver& driver)
    : machine_(machine),
      memory_(memory),
      nth_(nth),
      owner_(owner),
      driver_(&driver),
      range_{first, pages, type_of(memory), &kOps, this} {}

Errc DevPagemap::add() {
  if (is_live()) return Errc::kBusy;
  Memmap& memmap = machine_.memmap;
  const Pfn first = range_.first;
  const std::uint64_t pages = range_.pages;
  if (pages == 0 || first.value < memmap.pages() || first.value > memmap.capacity() ||
      pages > memmap.capacity() - first.value)
    return Errc::kInval;
  ref_.reinit();
  const Shape& shape = memmap.shape();
  const std::uint64_t pgmap =
      memmap.addresses().of_object(ObjectKind::kDevPagemap, pagemap_index(memory_, nth_));
  for (std::uint64_t i = 0; i < pages; ++i) {
    memmap.init_descriptor(first + i, kZoneDevice);
    const Page page = machine_.page(first + i);
    page.set(Flag::kReserved);
    if (shape.pgmap != 0) page.set_word(shape.pgmap / shape.word_bytes, pgmap);
    page.set_refcount(idle_refs());
  }
  if (const Errc error = machine_.add_pagemap(&range_); error != Errc::kOk) return error;
  live_.store(1);
  return Errc::kOk;
}

Errc DevPagemap::init_page(Cpu& cpu, Pfn pfn) {
  if (!ref_.tryget_live(cpu.index)) return Errc::kNoDev;
  const Page page = machine_.page(pfn);
  std::uint64_t earlier = 0;
  for (const Flag flag : kLifeFlags) earlier |= page.mask_of(flag);
  page.set_word(3, 0);
  page.set_word(4, 0);
  page.set_word(5, 0);
  // Nobody holds it, so nobody sets a flag meanwhile.
  page.set_word(0, (page.word(0) & ~earlier) | page.mask_of(Flag::kLocked));
  page.set_refcount(1);
  return Errc::kOk;
}

void DevPagemap::release_page(Cpu& cpu, Page page) {
  // The free path has reset `mapping` before: from here on the page is the driver's.
  driver_->page_free(cpu, page);
  ref_.put(cpu.index);
}

void DevPagemap::kill() { ref_.kill(); }

std::uint64_t DevPagemap::pages_in_use() const { return holders().size(); }

std::vector<PageHolder> DevPagemap::holders() const {
  std::vector<PageHolder> found;
  if (!is_live()) return found;
  for (std::uint64_t i = 0; i < range_.pages; ++i) {
    const Page page = machine_.page(range_.first + i);
    const std::int32_t refs = page.refcount();
    if (refs == idle_refs()) continue;
    found.push_back({range_.first + i, refs, page_mapcount(page),
                     machine_.pins.maybe_pinned(range_.first + i)});
  }
  return found;
}

void DevPagemap::remove() {
  ref_.wait_zero();
  take_out();
}

Errc DevPagemap::try_remove() {
  if (!ref_.is_zero()) return Errc::kBusy;
  take_out();
  return Errc::kOk;
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
