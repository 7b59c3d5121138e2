// dev_pagemap: a range of device memory with descriptors of its own, behind RAM
// in the memmap. Its reference count keeps it from going away under its pages:
//
//   add()         one reference, the range's own; free pages have refcount 0
//   init_page()   a page is handed out: refcount 1, locked, one reference more
//   page freed    back to the driver, the reference is dropped
//   kill()        no page is handed out any more; the range's own reference goes
//   remove()      waits for the last page, then the descriptors are gone
//
// Memory of fsdax and generic is not handed out page by page: its descriptors keep
// one reference for good, and what somebody holds beyond it keeps the range. Its
// owner unmaps it, then remove() freezes each count at that one reference; fast GUP
// has raised the count before, or finds its entry gone. p2pdma pages are handed
// out, and get their one reference back when they are free (v6.12).
//
// Until v5.18 private and public pages kept a reference as well, free or not: 1 is
// free, 2 one user, and the put from 2 to 1 gives the page back. Which it is, the rules
// say ('hmm-free-at-zero', 'dax-free-at-zero').
//
// Sources: v6.12 mm/memremap.c as behaviour, Documentation/mm/hmm.rst.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/book_lock.h"
#include "base/errc.h"
#include "base/percpu_ref.h"
#include "mm/machine.h"
#include "page/device_type.h"

namespace pagebox::inline PAGEBOX_ENV {

class DevPagemap;

/// What a driver does with its pages (the kernel's dev_pagemap_ops).
class PagemapDriver {
 public:
  virtual ~PagemapDriver() = default;
  /// The page is free: the driver may hand it out again. Not called by add().
  virtual void page_free(Cpu& cpu, Page page) = 0;
  /// The same for some at once, in that order.
  virtual void pages_free(Cpu& cpu, const DevPagemap& pagemap, std::span<const Pfn> pages);
  /// As PagemapOps::migrate_to_ram. Only private memory asks for it.
  virtual FaultResult migrate_to_ram(Cpu& cpu, Vma& vma, std::uint64_t address, Page page) = 0;
};

struct PageHolder {
  Pfn pfn;
  std::int32_t refcount = 0;
  std::int32_t mapcount = 0;
  bool maybe_pinned = false;
};

class DevPagemap {
 public:
  /// `nth` names it in the descriptors' `pgmap`; `owner` is compared by migration and
  /// range faults. All of this stays for good: who looks for another device's page
  /// may read it at any time.
  DevPagemap(Machine& machine, DeviceMemory memory, Pfn first, std::uint64_t pages,
             std::uint64_t nth, const void* owner, PagemapDriver& driver);
  DevPagemap(const DevPagemap&) = delete;
  DevPagemap& operator=(const DevPagemap&) = delete;

  /// memremap_pages. kInval: the range is empty, not behind RAM, or beyond the memmap;
  /// kNoSpc: too many pagemaps; kBusy: it is there already.
  Errc add();
  bool is_live() const { return live_.load() != 0; }

  /// zone_device_page_init: the driver hands out a free page. Locked (not p2pdma), with
  /// one reference, no flag of an earlier life. kNoDev: the range is going away; kBusy:
  /// it is free, and somebody holds it all the same, or is finding out that it is free.
  Errc init_page(Cpu& cpu, Pfn pfn);
  /// The same for several; those that are busy are moved behind the others, which are
  /// as many as it says. kNoDev: none.
  Result<std::size_t> init_pages(Cpu& cpu, std::span<Pfn> pfns);

  /// A reference on a page of which it is not known whether it is in use. False: it is
  /// free.
  bool try_get(Cpu& cpu, Page page);
  /// Whoever walks descriptors of which it holds no page keeps the range with this:
  /// remove() waits for put(). False: the range is going away.
  bool try_get(Cpu& cpu) { return ref_.tryget_live(cpu.index); }
  void put(Cpu& cpu) { ref_.put(cpu.index); }

  /// The range is going away: no page is handed out from now on. A second call does
  /// nothing; the callers keep two of them apart.
  void kill();
  /// Pages that somebody uses.
  std::vector<PageHolder> holders() const;
  std::uint64_t pages_in_use() const;
  /// No page that is free is held. Where free pages have no references nobody can.
  /// Pages that are handed out hold a reference on it.
  bool pages_keep_it() const { return !machine_.has(Quirk::kPagesOutlivePagemap); }
  bool is_idle() const { return idle_refs() == 0 || holders().empty(); }
  /// After kill(): waits until no page is in use, then takes the range out of the
  /// memmap. Not with a lock that a page's holder needs. fsdax and generic memory is
  /// mapped nowhere any more. kBusy: given up, holders() says why; the run was told of
  /// the first, and nothing has changed.
  Errc remove();
  /// The same without waiting. kBusy: holders() says why, and nothing has changed.
  Errc try_remove();

  /// Takes the range out of the machine, whoever holds its pages: nothing may touch
  /// them any more.
  void abandon();

  Machine& machine() const { return machine_; }
  const PagemapRange& range() const { return range_; }
  Pfn first() const { return range_.first; }
  std::uint64_t pages() const { return range_.pages; }
  DeviceMemory memory() const { return range_.memory; }
  /// References of a page of the range that are nobody's: the idle ones, which a page of
  /// p2pdma has only while it is free.
  std::int32_t own_refs(Pfn pfn) const;
  /// Nobody uses the page any more: where a proposal has `pgmap` among the words that its
  /// users write (linux-4.20-zd), it is there again.
  void put_back_pgmap(Page page) const;
  /// What the descriptors' `pgmap` holds.
  std::uint64_t address() const;
  const void* owner() const { return owner_; }
  PagemapDriver& driver() const { return *driver_; }
  bool contains(Pfn pfn) const { return pfn >= range_.first && pfn - range_.first < range_.pages; }

  /// Sleeps until `page` has no reference but its idle one. False: given up.
  [[nodiscard]] bool wait_idle(Page page) const;

  /// The pagemap of a device page that the caller holds; null for RAM.
  static DevPagemap* of(const Machine& machine, Pfn pfn);

 private:
  static const PagemapOps kOps;
  void release_pages(Cpu& cpu, std::span<const Pfn> pages);
  void give_to_driver(Cpu& cpu, std::span<const Pfn> pages);
  std::size_t take_back(std::span<const Pfn> pages);
  void tell_not_handed_out(Pfn pfn) const;
  void page_idle(Cpu& cpu, Page page);
  /// v4.14 to v5.17: the put that leaves the idle reference frees the page.
  bool freed_when_idle() const { return idle_refs() != 0 && is_hmm(memory()); }
  /// The driver hands pages out whose count is above zero all the time.
  bool tracks_use() const {
    return idle_refs() != 0 && (is_hmm(memory()) || memory() == DeviceMemory::kP2pdma);
  }
  bool in_use(Pfn pfn) const { return in_use_[pfn - range_.first].load() != 0; }
  bool freeze_idle();
  void take_out();
  void tell_holder() const;
  std::int32_t idle_refs() const { return range_.idle_refs; }
  /// One reference for each page that is handed out. False: the range is going away.
  bool hold_for(Cpu& cpu, std::size_t pages);
  void drop_for(Cpu& cpu, std::size_t pages);

  Machine& machine_;
  const std::uint64_t nth_;
  const void* const owner_;
  PagemapDriver* const driver_;
  const PagemapRange range_;
  Atomic<std::uint32_t> live_;
  Atomic<std::uint32_t> idle_events_;  // moves whenever a page may have become idle
  PercpuRef ref_;
  /// By page: the driver has handed it out and not got it back. Where descriptors may be
  /// overwritten, a count that falls to nothing does not say so.
  mutable BookLock book_lock_;
  std::unique_ptr<std::uint8_t[]> handed_out_;  // book_lock_
  /// By page, where the count alone does not say it.
  std::unique_ptr<Atomic<std::uint32_t>[]> in_use_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
