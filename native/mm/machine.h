// The memory of a small machine: descriptors, frames, free lists, LRU, pins,
// swap, and the processors that act on them. Nothing here is global; every
// operation starts from a Cpu.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>

#include "base/mapping.h"
#include "base/rcu.h"
#include "mm/address_space.h"
#include "mm/coverage.h"
#include "mm/damage.h"
#include "mm/divergence.h"
#include "mm/frame_map.h"
#include "mm/huge/deferred_split.h"
#include "mm/huge/hugetlb_pool.h"
#include "mm/object_pool.h"
#include "mm/op_control.h"
#include "mm/pagemap_ops.h"
#include "mm/rmap/anon_vma.h"
#include "mm/swap/lru_batch.h"
#include "mm/swap/mlock_counts.h"
#include "mm/swap/swap.h"
#include "mm/table_store.h"
#include "page/allocator.h"
#include "page/device_type.h"
#include "page/memmap.h"
#include "page/zone.h"
#include "pins/pins.h"

namespace pagebox::inline PAGEBOX_ENV {

class Machine;

/// FOLL_PIN bookkeeping of /proc/vmstat, of one CPU; in sum equal when nothing is pinned.
struct PinStatistics {
  Atomic<std::uint64_t> acquired, released;
};

/// A logical processor: what the kernel keeps per CPU. A thread of a scenario
/// acts through one; two threads on one Cpu only share its LRU batches and counters.
class alignas(64) Cpu {
 public:
  Cpu(Machine& machine, unsigned index) : machine(machine), index(index) {}
  Machine& machine;
  const unsigned index;  // also the shard of pins
  LruBatches batches;
  PinStatistics pin_statistics;
  /// Where what is reached is counted; null: nowhere. Its thread's own.
  ReachedCounts* reached = nullptr;

  /// What is asked of the operation that runs; null: nothing. Its thread's own.
  OpControl* control = nullptr;

  void note(Reached what) const {
    if (reached != nullptr) ++(*reached)[static_cast<unsigned>(what)];
  }
  /// Whether the operation will stop at a step.
  bool stops() const { return control != nullptr && control->stops(); }
  /// This call is to fail.
  bool fails(FailSite site) const { return control != nullptr && control->fails(site); }
  /// The operation may stop here.
  void pass(StopPoint point) const {
    if (control != nullptr) control->pass(point);
  }
};

struct MachineOptions {
  unsigned cpus = 1;
  std::uint64_t swap_pages = 1 << 14;
  bool transparent_huge_pages = false;  // madvise(hugepage) has effect
  /// nr_hugepages: 2 MiB each, taken from the allocator for good.
  std::uint64_t hugetlb_pages = 0;
  /// Of each processor's list of free pages, as Allocator::set_cpus() has it; 0: no lists.
  unsigned page_batch = 0;
};

class Machine {
 public:
  Machine(Memmap& memmap, Zone& zone, Allocator& allocator, Pins& pins)
      : memmap(memmap),
        zone(zone),
        allocator(allocator),
        pins(pins),
        hugetlb(memmap),
        deferred_split(memmap) {}
  ~Machine();
  /// Frames, swap, the zero page and the pool of huge pages. Once, before anything else:
  /// every machine starts here, and what its layout must have is asked here.
  /// kNoMem: no room for one of them; kRefused: the layout lacks what address spaces need,
  /// or a mark for hugetlb pages (`reason` names it).
  Errc start(const MachineOptions& options, std::string* reason = nullptr);
  /// What the pin scheme asks of memory management; start() installs it.
  PinOps pin_ops();

  Cpu& cpu(unsigned index) { return cpus_[index]; }
  unsigned cpus() const { return static_cast<unsigned>(cpus_.size()); }
  /// nr_foll_pin_acquired less nr_foll_pin_released, exact when nobody moves.
  std::uint64_t foll_pins() const;
  const MachineOptions& options() const { return options_; }
  // How it behaves: as its memmap was made.
  bool has(Rule rule) const { return memmap.rules().has(rule); }
  bool has(Quirk quirk) const { return memmap.quirks().has(quirk); }
  /// Until v5.3 a device's page took the mapping of one life into the next.
  bool device_pages_keep_mapping() const { return has(Quirk::kDevicePageKeepsMapping); }
  bool has(MachineOption option) const { return memmap.options().has(option); }

  Page page(Pfn pfn) const { return memmap.page(pfn); }
  Pfn pfn_of(Page page) const { return memmap.pfn_of(page); }
  Page zero_page() const { return page(zero_pfn_); }
  bool is_zero_pfn(Pfn pfn) const { return pfn == zero_pfn_; }
  /// The huge zero page, made for the first read that wants it, and kept. Unlike the
  /// small one it counts its pins (v6.12). Empty: it cannot be had; reads of empty
  /// memory then get small pages.
  Page get_huge_zero_page();
  /// Empty: nobody has asked for it yet.
  Page huge_zero_page() const {
    const std::uint64_t at = huge_zero_.load();
    return at != 0 ? page({at - 1}) : Page();
  }
  bool is_huge_zero(Page folio) const { return pfn_of(folio).value + 1 == huge_zero_.load(); }

  /// 2^order pages with refcount 1, contents undefined. kNoMem: none free.
  Result<Page> alloc_folio(Cpu& cpu, unsigned order = 0, FailSite site = FailSite::kPage);
  /// As `fresh` says, up to date too: nobody asks before it is mapped.
  Result<Page> alloc_zeroed_page(const Cpu& cpu, FreshPage fresh);
  /// Single pages, each locked, as alloc_folio() one after the other. How many there were.
  std::size_t alloc_locked_pages(const Cpu& cpu, std::span<Pfn> out) {
    return alloc_pages(cpu, {.flags = zero_page().mask_of(Flag::kLocked)}, out);
  }
  /// The same as `fresh` says, which costs less than to set bits or take references then.
  std::size_t alloc_pages(const Cpu& cpu, FreshPage fresh, std::span<Pfn> out);
  void get(Page folio) { folio.ref_inc(); }
  /// References that a page has in use beyond its users' (ZONE_DEVICE until v5.18).
  std::int32_t kept_refs(Page folio) const {
    const PagemapRange* range = pagemap(pfn_of(folio));
    return range == nullptr ? 0 : range->kept_refs();
  }

  /// The frame's memory is about to be taken away (hot-unplug): who has it keeps it, but it
  /// may not be pinned for long and is handed out to nobody else. One at a time; with nothing
  /// running.
  void take_offline(Pfn pfn) { offline_ = pfn; }
  bool is_offline(Pfn pfn) const { return pfn == offline_; }

  /// Entries that map a large folio's head alone, where pins raise its `_mapcount` too;
  /// null elsewhere.
  std::uint32_t* head_entries(Page folio) const {
    if (head_entries_.data() == nullptr) return nullptr;
    return reinterpret_cast<std::uint32_t*>(head_entries_.data()) + pfn_of(folio).value;
  }

  /// The device range that holds the page; null for RAM.
  const PagemapRange* pagemap(Pfn pfn) const {
    return is_zone_device(pfn) ? find_pagemap(pfn) : nullptr;
  }
  bool is_zone_device(Pfn pfn) const { return pfn.value >= memmap.pages(); }
  bool is_device_private(Pfn pfn) const {
    const PagemapRange* range = pagemap(pfn);
    return range != nullptr && range->memory == DeviceMemory::kPrivate;
  }
  /// The range stays its owner's, who keeps it until no page of it has a reference.
  /// kNoSpc: kMaxPagemaps are there.
  Errc add_pagemap(const PagemapRange* range);
  static constexpr unsigned kMaxPagemaps = 16;
  void remove_pagemap(const PagemapRange* range);

  Memmap& memmap;
  Zone& zone;
  Allocator& allocator;
  Pins& pins;
  FrameMap frames;
  TableStore tables;
  Mutex all_locks_lock;                // AllLocks
  Atomic<std::uint64_t> compacted_to;  // a pfn: where compact_some() goes on; 0: at the top
  DamageLog damage;
  // What is often written lies on lines of its own, and what follows it too.
  alignas(64) Swap swap;
  alignas(64) ObjectPool<AnonVma> anon_vmas;
  alignas(64) ObjectPool<AddressSpace> files;
  alignas(64) MlockCounts mlock_counts;
  /// Kept while a recorded scenario runs; null: nobody asks.
  DivergenceLog* divergences = nullptr;
  /// By DeviceMemory, see pins_have_room(): 0 = not asked yet.
  std::array<Atomic<std::uint32_t>, kDeviceMemories> pin_room;
  HugetlbPool hugetlb;
  alignas(64) DeferredSplit deferred_split;
  RcuDomain rcu;  // page-table pages wait here for fast GUP's walkers

 private:
  static constexpr Pfn kAllOnline{~std::uint64_t{0}};
  const PagemapRange* find_pagemap(Pfn pfn) const;
  Result<Pfn> alloc_online(const Cpu& cpu, unsigned order);

  alignas(64) MachineOptions options_;
  std::deque<Cpu> cpus_;
  Mapping head_entries_;
  Pfn zero_pfn_;
  Pfn offline_ = kAllOnline;
  Atomic<std::uint64_t> huge_zero_;  // pfn + 1; 0: none
  std::array<Atomic<const PagemapRange*>, kMaxPagemaps> pagemaps_;
  SpinLock huge_zero_lock_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
