#include "mm/machine.h"

#include <utility>

#include "mm/file/page_cache.h"
#include "mm/file/writeback.h"
#include "mm/folio_state.h"
#include "mm/pte.h"
#include "mm/rmap/rmap.h"
#include "page/folio.h"
#include "page/needs.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr unsigned kBrokenFolio = kMaxOrder + 1;  // in place of an order

}  // namespace

Machine::~Machine() = default;

Errc Machine::start(const MachineOptions& options, std::string* reason) {
  std::string lack = layout_lacks(memmap.layout(), LayoutUse::kMemoryManagement);
  if (lack.empty() && options.hugetlb_pages > 0 && !HugetlbPool::has_mark(memmap.shape()))
    lack = memmap.layout().name + ": the layout has no hugetlb pages";
  if (!lack.empty()) {
    if (reason != nullptr) *reason = std::move(lack);
    return Errc::kRefused;
  }
  options_ = options;
  pins.set_ops(pin_ops());
  if (const Errc error = frames.create(memmap.pages()); error != Errc::kOk) return error;
  if (const Errc error = tables.create(memmap.pages()); error != Errc::kOk) return error;
  if (const Errc error = swap.create(options.swap_pages); error != Errc::kOk) return error;
  if (pins.scheme().place == CountPlace::kMapcount) {
    auto entries = Mapping::reserve(memmap.capacity() * sizeof(std::uint32_t));
    if (!entries) return entries.error;
    head_entries_ = std::move(entries.value);
  }
  for (unsigned i = 0; i < options.cpus; ++i) cpus_.emplace_back(*this, i);
  const auto zero = allocator.alloc(0);
  if (!zero) return zero.error;
  zero_pfn_ = zero.value;
  frames.clear(zero_pfn_);
  page(zero_pfn_).set(Flag::kReserved);
  page(zero_pfn_).set(Flag::kUptodate);
  return hugetlb.create(allocator, options.hugetlb_pages);
}

Page Machine::get_huge_zero_page() {
  Guard guard(huge_zero_lock_);
  if (const Page had = huge_zero_page()) return had;
  const auto huge = allocator.alloc(kHugeOrder);
  if (!huge) return {};
  prep_compound(memmap, huge.value, kHugeOrder);
  for (std::uint64_t i = 0; i < kPagesPerPmd; ++i) frames.clear(huge.value + i);
  page(huge.value).set(Flag::kUptodate);
  huge_zero_.store(huge.value.value + 1);
  return page(huge.value);
}

PinOps Machine::pin_ops() {
  return {
      .context = this,
      .real_mappings = [](void* machine, Pfn head) -> std::uint32_t {
        Machine& m = *static_cast<Machine*>(machine);
        return rmap_count(m, m.page(head)).value_or(0);
      },
      .release =
          [](void* machine, Pfn head) {
            Machine& m = *static_cast<Machine*>(machine);
            m.free_folio(m.cpu(0), m.page(head));
          },
      .settle = [](void* machine,
                   Pfn head) { settle_lru_flags(static_cast<Machine*>(machine)->page(head)); },
  };
}

std::uint64_t Machine::foll_pins() const {
  std::uint64_t pins = 0;
  for (const Cpu& cpu : cpus_)
    pins += cpu.pin_statistics.acquired.load() - cpu.pin_statistics.released.load();
  return pins;
}

Result<Page> Machine::alloc_folio(Cpu&, unsigned order) {
  const auto pfn = allocator.alloc(order);
  if (!pfn) return pfn.error;
  if (order > 0) {
    prep_compound(memmap, pfn.value, order);
    if (memmap.shape().large_mapcount != 0) folio_page(page(pfn.value), 1).set(kFlagLargeRmappable);
  }
  return page(pfn.value);
}

Result<Page> Machine::alloc_zeroed_page(Cpu& cpu) {
  auto folio = alloc_folio(cpu);
  if (folio) {
    frames.clear(pfn_of(folio.value));
    folio.value.set(Flag::kUptodate);
  }
  return folio;
}

void Machine::put(Cpu& cpu, Page folio) {
  const IdleWatch watch(cpu, folio);
  if (folio.ref_sub(1) == 1) free_folio(cpu, folio);
}

/// The LRU lock, kept over so many folios at most, as others wait for it (v6.12:
/// SWAP_CLUSTER_MAX).
class Machine::LruRun {
 public:
  explicit LruRun(Zone& zone) : lock_(zone.lru_lock()) {}
  ~LruRun() { leave(); }
  LruRun(const LruRun&) = delete;
  LruRun& operator=(const LruRun&) = delete;

  void enter() {
    if (folios_ == 32) leave();
    if (folios_++ == 0) lock_.lock();
  }
  void leave() {
    if (folios_ != 0) lock_.unlock();
    folios_ = 0;
  }

 private:
  SpinLock& lock_;
  unsigned folios_ = 0;
};

void Machine::put_many(Cpu& cpu, std::span<Pfn> folios) {
  std::size_t freed = 0;                // they stand at the front, not yet given back
  const PagemapRange* owner = nullptr;  // of them; null: RAM
  LruRun lru(zone);
  const auto give_back = [&] {
    lru.leave();
    const std::span<const Pfn> all = folios.first(freed);
    freed = 0;
    if (all.empty()) return;
    if (owner == nullptr) return allocator.free_each(all);
    owner->ops->pages_free(owner->self, cpu, all);
  };
  for (const Pfn pfn : folios) {
    const Page folio = page(pfn);
    const PagemapRange* range = pagemap(pfn);
    if (range != nullptr && range->kept_refs() != 0 && !has(Quirk::kReleaseMissesDevicePages)) {
      lru.leave();
      put(cpu, folio);
      continue;
    }
    if (folio.ref_sub(1) != 1 || keeps_for_table(folio, pfn)) continue;
    if (hugetlb.holds(pfn)) {
      lru.leave();
      hugetlb.free(folio);
      continue;
    }
    const unsigned order = leave(folio, pfn, range, lru);
    if (range != owner || order > 0) give_back();
    owner = range;
    if (order > 0)
      this->give_back(pfn, order);
    else
      folios[freed++] = pfn;
  }
  give_back();
}

IdleWatch::IdleWatch(Cpu& cpu, Page folio)
    : cpu_(cpu), folio_(folio), range_(cpu.machine.pagemap(cpu.machine.pfn_of(folio))) {
  if (range_ != nullptr && range_->kept_refs() != 0) token_ = cpu.machine.rcu.read_lock(cpu.index);
}

IdleWatch::~IdleWatch() {
  if (range_ == nullptr || range_->kept_refs() == 0) return;
  Machine& machine = cpu_.machine;
  // Gone meanwhile: then somebody else has told it.
  if (machine.pagemap(machine.pfn_of(folio_)) == range_ && folio_.refcount() == range_->idle_refs &&
      range_->ops->page_idle != nullptr)
    range_->ops->page_idle(range_->self, cpu_, folio_);
  machine.rcu.read_unlock(token_);
}

void Machine::free_folio(Cpu& cpu, Page folio) {
  const Pfn pfn = pfn_of(folio);
  if (keeps_for_table(folio, pfn)) return;
  if (hugetlb.holds(pfn)) return hugetlb.free(folio);
  const PagemapRange* range = pagemap(pfn);
  LruRun lru(zone);
  const unsigned order = leave(folio, pfn, range, lru);
  lru.leave();
  if (range != nullptr)
    range->ops->pages_free(range->self, cpu, std::span(&pfn, 1));
  else
    give_back(pfn, order);
}

/// The last reference of a page that a table is made of went elsewhere: it stays the
/// table's. The descriptor is asked first, for it is at hand; what counts is the store.
bool Machine::keeps_for_table(Page folio, Pfn pfn) {
  if (folio.mapcount_raw() >= -1 || !tables.is_table(pfn)) return false;
  damage.add({pfn, "_refcount", 1, 0,
              "somebody dropped the reference that a page table itself holds; the page stays "
              "the table's"});
  return true;
}

/// What says that it is a folio of that order, and whose tails say otherwise, stays away:
/// they may be somebody else's.
void Machine::give_back(Pfn pfn, unsigned order) {
  if (order != kBrokenFolio) allocator.free(pfn, order);
}

/// A folio that nobody holds any more becomes single pages on no list. Its order. May
/// leave `lru` entered. kBrokenFolio: its tails are not.
unsigned Machine::leave(Page folio, Pfn pfn, const PagemapRange* range, LruRun& lru) {
  if (range != nullptr) {
    if (folio.test(kFlagAnonExclusive)) folio.clear(kFlagAnonExclusive);
    folio.set_mapping(0);
    memmap.forget(folio);
    return 0;
  }
  // Nobody else can put it on a list or lock it any more.
  const std::uint64_t flags = folio.flags();
  if ((flags & folio.mask_of(Flag::kLru)) != 0 || mlock_counts.any()) {
    lru.enter();
    if (folio.test(Flag::kLru)) (void)zone.remove(folio);
    mlock_counts.set(pfn, 0);
  }
  const unsigned order = folio_test_large(folio) ? folio_order(memmap, folio) : 0;
  if ((flags & folio.mask_of(kFlagSwapCache)) != 0) swap.forget(damage, pfn, 1ULL << order);
  if (order > 1) {
    lru.leave();
    deferred_split.remove(folio);
  }
  if (order > 0 && !folio_is_whole(memmap, pfn, order)) {
    damage.add({pfn, "compound_order", 0, order,
                "a folio of this order has tails that all point to it: these do not, and are "
                "given to nobody any more"});
    return kBrokenFolio;
  }
  if (order > 0) {
    destroy_compound(memmap, pfn);
    if (std::uint32_t* entries = head_entries(folio)) atomics::store(entries, 0U);
  }
  folio.set_index(0);  // the allocator resets the rest
  return order;
}

const PagemapRange* Machine::find_pagemap(Pfn pfn) const {
  for (const auto& each : pagemaps_) {
    const PagemapRange* range = each.load();
    if (range != nullptr && pfn >= range->first && pfn - range->first < range->pages) return range;
  }
  return nullptr;
}

Errc Machine::add_pagemap(const PagemapRange* range) {
  for (auto& each : pagemaps_) {
    const PagemapRange* expected = nullptr;
    if (each.compare_exchange(expected, range)) return Errc::kOk;
  }
  return Errc::kNoSpc;
}

void Machine::remove_pagemap(const PagemapRange* range) {
  for (auto& each : pagemaps_) {
    const PagemapRange* expected = range;
    if (each.compare_exchange(expected, nullptr)) return;
  }
}

AddressSpace* Machine::create_shmem(std::uint64_t pages) {
  AddressSpace* file = files.alloc();
  if (file == nullptr) return nullptr;
  file->kind = FileKind::kShmem;
  file->set_size_pages(pages);
  file->users.store(1);
  return file;
}

AddressSpace* Machine::create_disk_file(std::unique_ptr<BackingStore> disk) {
  AddressSpace* file = files.alloc();
  if (file == nullptr) return nullptr;
  file->kind = FileKind::kDisk;
  file->disk = std::move(disk);
  file->users.store(1);
  return file;
}

AddressSpace* Machine::create_driver_file(DriverFile& driver) {
  AddressSpace* file = files.alloc();
  if (file == nullptr) return nullptr;
  file->kind = FileKind::kDriver;
  file->driver = &driver;
  file->users.store(1);
  return file;
}

void Machine::put_file(Cpu& cpu, AddressSpace& file) {
  if (file.users.fetch_sub(1) != 1) return;
  DriverFile* driver = file.driver;
  if (driver == nullptr) {
    if (file.disk != nullptr && file.disk->keeps_bytes()) {
      filemap_write_and_wait(cpu, file, 0, file.size_pages());
      drop_cache(cpu, file, 0);
    } else {
      truncate_file(cpu, file, 0);
    }
  }
  if (driver != nullptr) driver->release(cpu);
  files.free(&file);
}

}  // namespace pagebox::inline PAGEBOX_ENV
