#include "mm/swap/release.h"

#include "mm/folio_state.h"
#include "mm/machine.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr unsigned kBrokenFolio = kMaxOrder + 1;  // in place of an order

/// The LRU lock, kept over so many folios at most, as others wait for it (v6.12:
/// SWAP_CLUSTER_MAX).
class LruRun {
 public:
  explicit LruRun(Zone& zone) : lock_(zone.lru_lock()), removals_(zone) {}
  ~LruRun() { leave(); }
  LruRun(const LruRun&) = delete;
  LruRun& operator=(const LruRun&) = delete;

  void enter() {
    if (folios_ == 32) leave();
    if (folios_++ == 0) lock_.lock();
  }
  void leave() {
    if (folios_ != 0) {
      removals_.settle();
      lock_.unlock();
    }
    folios_ = 0;
  }
  /// Entered.
  Errc remove(Page folio) { return removals_.remove(folio); }

 private:
  SpinLock& lock_;
  Zone::Removals removals_;
  unsigned folios_ = 0;
};

/// The last reference of a page that a table is made of went elsewhere: it stays the
/// table's. The descriptor is asked first, for it is at hand; what counts is the store.
bool keeps_for_table(Machine& machine, Page folio, Pfn pfn) {
  if (folio.mapcount_raw() >= -1 || !machine.tables.is_table(pfn)) return false;
  machine.damage.add(
      {pfn, "_refcount", 1, 0,
       "somebody dropped the reference that a page table itself holds; the page stays "
       "the table's"});
  return true;
}

/// What says that it is a folio of that order, and whose tails say otherwise, stays away:
/// they may be somebody else's.
void give_back(Cpu& cpu, Pfn pfn, unsigned order) {
  if (order != kBrokenFolio) cpu.machine.allocator.free(pfn, order, cpu.index);
}

/// A folio that nobody holds any more becomes single pages on no list. Its order. May
/// leave `lru` entered. kBrokenFolio: its tails are not.
unsigned leave(Machine& machine, Page folio, Pfn pfn, const PagemapRange* range, LruRun& lru) {
  if (range != nullptr) {
    if (folio.test(kFlagAnonExclusive)) folio.clear(kFlagAnonExclusive);
    if (!machine.device_pages_keep_mapping()) folio.set_mapping(0);
    machine.memmap.forget(folio);
    return 0;
  }
  // Nobody else can put it on a list or lock it any more.
  const std::uint64_t flags = folio.flags();
  if ((flags & folio.mask_of(Flag::kLocked)) != 0) [[unlikely]]
    machine.damage.add({pfn, "flags", flags & ~folio.mask_of(Flag::kLocked), flags,
                        "a page is freed that somebody has locked, without a reference on it"});
  if ((flags & folio.mask_of(Flag::kLru)) != 0 || machine.mlock_counts.any()) {
    lru.enter();
    if (folio.test(Flag::kLru)) (void)lru.remove(folio);
    if (machine.mlock_counts.any()) machine.mlock_counts.set(pfn, 0);
  }
  const unsigned order = folio_test_large(folio) ? folio_order(machine.memmap, folio) : 0;
  if ((flags & folio.mask_of(kFlagSwapCache)) != 0)
    machine.swap.forget(machine.damage, pfn, 1ULL << order);
  if (order > 1) {
    lru.leave();
    machine.deferred_split.remove(folio);
  }
  if (order > 0 && !folio_is_whole(machine.memmap, pfn, order)) {
    machine.damage.add(
        {pfn, "compound_order", 0, order,
         "a folio of this order has tails that all point to it: these do not, and are "
         "given to nobody any more"});
    return kBrokenFolio;
  }
  if (order > 0) {
    destroy_compound(machine.memmap, pfn);
    if (std::uint32_t* entries = machine.head_entries(folio)) atomics::store(entries, 0U);
  }
  folio.set_index(0);  // the allocator resets the rest
  return order;
}

}  // namespace

void folio_put(Cpu& cpu, Page folio) {
  const IdleWatch watch(cpu, folio);
  if (folio.ref_sub(1) == 1) free_folio(cpu, folio);
}

void folios_put(Cpu& cpu, std::span<Pfn> folios) {
  Machine& machine = cpu.machine;
  std::size_t freed = 0;                // they stand at the front, not yet given back
  const PagemapRange* owner = nullptr;  // of them; null: RAM
  LruRun lru(machine.zone);
  const auto give_back_run = [&] {
    lru.leave();
    const std::span<const Pfn> all = folios.first(freed);
    freed = 0;
    if (all.empty()) return;
    if (owner == nullptr) return machine.allocator.free_each(all, cpu.index);
    owner->ops->pages_free(owner->self, cpu, all);
  };
  for (const Pfn pfn : folios) {
    const Page folio = machine.page(pfn);
    const PagemapRange* range = machine.pagemap(pfn);
    if (range != nullptr && range->kept_refs() != 0 &&
        !machine.has(Quirk::kReleaseMissesDevicePages)) {
      lru.leave();
      folio_put(cpu, folio);
      continue;
    }
    if (folio.ref_sub(1) != 1 || keeps_for_table(machine, folio, pfn)) continue;
    if (machine.hugetlb.holds(pfn)) {
      lru.leave();
      machine.hugetlb.free(folio);
      continue;
    }
    const unsigned order = leave(machine, folio, pfn, range, lru);
    if (range != owner || order > 0) give_back_run();
    owner = range;
    if (order > 0)
      give_back(cpu, pfn, order);
    else
      folios[freed++] = pfn;
  }
  give_back_run();
}

void free_folio(Cpu& cpu, Page folio) {
  Machine& machine = cpu.machine;
  const Pfn pfn = machine.pfn_of(folio);
  if (keeps_for_table(machine, folio, pfn)) return;
  if (machine.hugetlb.holds(pfn)) return machine.hugetlb.free(folio);
  const PagemapRange* range = machine.pagemap(pfn);
  LruRun lru(machine.zone);
  const unsigned order = leave(machine, folio, pfn, range, lru);
  lru.leave();
  if (range != nullptr)
    range->ops->pages_free(range->self, cpu, std::span(&pfn, 1));
  else
    give_back(cpu, pfn, order);
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

}  // namespace pagebox::inline PAGEBOX_ENV
