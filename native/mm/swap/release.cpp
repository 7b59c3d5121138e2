#include "mm/swap/release.h"

#include <algorithm>

#include "base/uninit_array.h"
#include "mm/folio_state.h"
#include "mm/machine.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr unsigned kBrokenFolio = kMaxOrder + 1;  // in place of an order

/// Folios that leave their lists under one lock: neighbours as one, so that others wait no longer
/// than for the kernel's 32.
constexpr std::size_t kFreedFolios = 128;

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

/// Folios that nobody holds any more are on no list. What else becomes of them does not keep
/// others waiting.
void leave_lists(Machine& machine, std::span<const Pfn> folios) {
  UninitArray<Page, kFreedFolios> room;
  std::size_t listed = 0;
  for (const Pfn pfn : folios)
    if (const Page folio = machine.page(pfn);
        machine.pagemap(pfn) == nullptr && folio.test(Flag::kLru))
      room[listed++] = folio;
  const bool counts = machine.mlock_counts.any();
  if (listed == 0 && !counts) return;
  const Guard guard(machine.zone.lru_lock());
  Zone::Removals(machine.zone).remove_dead(room.first(listed));
  for (std::size_t i = 0; counts && i < folios.size(); ++i)
    if (machine.pagemap(folios[i]) == nullptr) machine.mlock_counts.set(folios[i], 0);
}

/// One of them becomes single pages. Its order. kBrokenFolio: its tails are not.
unsigned become_pages(Machine& machine, Page folio, Pfn pfn, const PagemapRange* range) {
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
  const unsigned order = folio_test_large(folio) ? folio_order(machine.memmap, folio) : 0;
  if ((flags & folio.mask_of(kFlagSwapCache)) != 0)
    machine.swap.forget(machine.damage, pfn, 1ULL << order);
  if (order > 1) machine.deferred_split.remove(folio);
  if (order > 0 && !folio_is_whole(machine.memmap, pfn, order)) {
    machine.damage.add(
        {pfn, "compound_order", 0, order,
         "a folio of this order has tails that all point to it: these do not, and are "
         "given to nobody any more"});
    folio.clear(Flag::kLru);  // what the allocator does for the others
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

namespace {

/// Folios that nobody holds any more, of which single pages of one owner go back in runs.
class FreedRun {
 public:
  FreedRun(Cpu& cpu, std::span<Pfn> room) : cpu_(cpu), room_(room) {}
  ~FreedRun() { give_back_run(); }
  FreedRun(const FreedRun&) = delete;
  FreedRun& operator=(const FreedRun&) = delete;

  /// kFreedFolios at most; they may lie in the room, behind what was added before.
  void add(std::span<const Pfn> folios) {
    Machine& machine = cpu_.machine;
    leave_lists(machine, folios);
    for (const Pfn pfn : folios) {
      const PagemapRange* range = machine.pagemap(pfn);
      const unsigned order = become_pages(machine, machine.page(pfn), pfn, range);
      if (range != owner_ || order > 0) give_back_run();
      owner_ = range;
      if (order > 0)
        give_back(cpu_, pfn, order);
      else
        room_[count_++] = pfn;
    }
  }

 private:
  void give_back_run() {
    const std::span<const Pfn> all = room_.first(count_);
    count_ = 0;
    if (all.empty()) return;
    if (owner_ == nullptr) return cpu_.machine.allocator.free_each(all, cpu_.index);
    owner_->ops->pages_free(owner_->self, cpu_, all);
  }

  Cpu& cpu_;
  std::span<Pfn> room_;
  std::size_t count_ = 0;
  const PagemapRange* owner_ = nullptr;  // of them; null: RAM
};

/// Frees those for which goes(folio, pfn), kFreedFolios at a time.
template <class Goes>
void free_those(Cpu& cpu, std::span<Pfn> folios, Goes&& goes) {
  FreedRun run(cpu, folios);
  for (std::span<Pfn> rest = folios; !rest.empty();) {
    const std::span<Pfn> part = rest.first(std::min(kFreedFolios, rest.size()));
    rest = rest.subspan(part.size());
    std::size_t gone = 0;  // they stand at its front
    for (const Pfn pfn : part)
      if (goes(cpu.machine.page(pfn), pfn)) part[gone++] = pfn;
    run.add(part.first(gone));
  }
}

/// Without a reference left, somebody keeps it all the same.
bool stays(Machine& machine, Page folio, Pfn pfn) {
  if (keeps_for_table(machine, folio, pfn)) return true;
  if (!machine.hugetlb.holds(pfn)) return false;
  machine.hugetlb.free(folio);
  return true;
}

}  // namespace

void folios_put(Cpu& cpu, std::span<Pfn> folios) {
  Machine& machine = cpu.machine;
  free_those(cpu, folios, [&](Page folio, Pfn pfn) {
    const PagemapRange* range = machine.pagemap(pfn);
    if (range != nullptr && range->kept_refs() != 0 &&
        !machine.has(Quirk::kReleaseMissesDevicePages)) {
      folio_put(cpu, folio);
      return false;
    }
    return folio.ref_sub(1) == 1 && !stays(machine, folio, pfn);
  });
}

void free_folios(Cpu& cpu, std::span<Pfn> folios) {
  free_those(cpu, folios, [&](Page folio, Pfn pfn) { return !stays(cpu.machine, folio, pfn); });
}

void free_folio(Cpu& cpu, Page folio) {
  Machine& machine = cpu.machine;
  const Pfn pfn = machine.pfn_of(folio);
  if (stays(machine, folio, pfn)) return;
  const PagemapRange* range = machine.pagemap(pfn);
  leave_lists(machine, std::span(&pfn, 1));
  const unsigned order = become_pages(machine, folio, pfn, range);
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
