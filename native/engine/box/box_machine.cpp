#include "engine/box/box_machine.h"

#include <algorithm>
#include <optional>

#include "engine/box/box.h"
#include "engine/scenario/livelock.h"
#include "mm/migrate.h"
#include "mm/swap/reclaim.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kFirstAddress = 0x2000'0000'0000;

std::uint64_t round_up(std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; }

struct LeavingWatch final : LivelockWatch {
  unsigned limit_ms() const override { return kOverdueMs; }
};

}  // namespace

BoxMachine::BoxMachine(Box& box)
    : box_(box), first_cpu_(box.settings().shards), machine_(*box.assembly().machine()) {}

Errc BoxMachine::create(Box& box, std::unique_ptr<BoxMachine>& out, std::string* reason) {
  const BoxSettings& settings = box.settings();
  MachineOptions options;
  options.cpus = settings.shards + settings.cpus;
  options.swap_pages = settings.swap_pages;
  options.transparent_huge_pages = settings.transparent_huge_pages;
  options.hugetlb_pages = settings.hugetlb_pages;
  options.page_batch = settings.page_batch;
  if (const Errc error = box.assembly().start_machine(options, reason); error != Errc::kOk)
    return error;
  out.reset(new BoxMachine(box));
  return Errc::kOk;
}

BoxMachine::~BoxMachine() {
  // Nobody else is here any more: what is not there for the taking will not come.
  LivelockWatch watch;
  const PatienceScope alone(watch);
  std::vector<unsigned> users;
  users.reserve(mms_.size() + pages_.size() + files_.size());
  for (const auto& [id, mm] : mms_) users.push_back(mm.user);
  for (const auto& [id, pages] : pages_) users.push_back(pages.user);
  for (const auto& [id, file] : files_) users.push_back(file.user);
  for (const unsigned user : users) (void)end_user(user);
  // Who took pages by pfn may hold some of a device's for good: no waiting here.
  for (auto& [id, each] : devices_) each.abandon();
}

template <class Map>
auto* BoxMachine::find(Map& map, ObjectId id) {
  Guard guard(lock_);
  const auto at = map.find(id);
  return at == map.end() ? nullptr : &at->second;
}

void BoxMachine::free_folio(Pfn head) { pagebox::free_folio(machine_.cpu(0), machine_.page(head)); }

bool BoxMachine::in_use() {
  drop_left_devices();
  Guard guard(lock_);
  return !mms_.empty() || !pages_.empty() || !files_.empty() || !devices_.empty() || !left_.empty();
}

Result<ObjectId> BoxMachine::create_mm(unsigned user) {
  BoxMm fresh;
  fresh.user = user;
  if (const Errc error = Mm::create(cpu(user), fresh.mm); error != Errc::kOk) return error;
  Guard guard(lock_);
  mms_.emplace(next_id_, std::move(fresh));
  return next_id_++;
}

Result<ObjectId> BoxMachine::fork_mm(unsigned user, ObjectId parent) {
  BoxMm* from = mm(parent);
  if (from == nullptr) return Errc::kBadF;
  const auto id = create_mm(user);
  if (!id) return id;
  const Errc error = dup_mmap(cpu(user), *mm(id.value)->mm, *from->mm);
  if (error == Errc::kOk) return id;
  (void)close_mm(id.value);
  return error;
}

BoxMm* BoxMachine::mm(ObjectId id) { return find(mms_, id); }

void BoxMachine::close_mirrors(BoxMm& mm, Cpu& cpu) {
  for (const auto& [device, mirror] : mm.mirrors) mirror->close(cpu);
  mm.mirrors.clear();
}

Errc BoxMachine::close_mm(ObjectId id) {
  BoxMm* closing = mm(id);
  if (closing == nullptr) return Errc::kBadF;
  Cpu& cpu = this->cpu(closing->user);
  closing->mm->exit(cpu);
  close_mirrors(*closing, cpu);
  machine_.rcu.synchronize();  // a walker that came from a page has left the mm
  Guard guard(lock_);
  mms_.erase(id);
  return Errc::kOk;
}

Result<std::uint64_t> BoxMachine::find_gap(Mm& mm, std::uint64_t pages) {
  if (pages == 0 || pages > kTaskSize / kPageBytes) return Errc::kInval;
  SharedGuard guard(mm.mmap_lock);
  std::uint64_t at = kFirstAddress;
  for (const auto& vma : mm.vmas) {
    if (vma->end + kPmdBytes <= at) continue;
    if (vma->start >= at && vma->start - at >= pages * kPageBytes + kPmdBytes) break;
    at = round_up(vma->end + kPmdBytes, kPmdBytes);
  }
  if (at >= kTaskSize || pages > (kTaskSize - at) / kPageBytes) return Errc::kNoMem;
  return at;
}

Result<ObjectId> BoxMachine::take_pages(unsigned user, Mm& mm, std::uint64_t address,
                                        std::uint64_t pages, std::uint32_t flags, bool fast,
                                        std::uint64_t& had) {
  BoxPages taken;
  taken.user = user;
  taken.pinned = (flags & kFollPin) != 0;
  taken.pfns.resize(pages);
  Cpu& acting = cpu(user);
  for (had = 0; had < pages;) {
    const std::span rest = std::span(taken.pfns).subspan(had);
    const std::uint64_t at = address + had * kPageBytes;
    const std::uint32_t how = flags & ~(kFollPin | kFollGet);
    const GupResult result = taken.pinned ? (fast ? pin_user_pages_fast(acting, mm, at, how, rest)
                                                  : pin_user_pages(acting, mm, at, how, rest))
                                          : (fast ? get_user_pages_fast(acting, mm, at, how, rest)
                                                  : get_user_pages(acting, mm, at, how, rest));
    if (result.pages == 0) {
      taken.pfns.resize(had);
      drop(taken);
      return result.full ? Errc::kPinLimit : result.error;
    }
    had += result.pages;
  }
  Guard guard(lock_);
  pages_.emplace(next_id_, std::move(taken));
  return next_id_++;
}

const BoxPages* BoxMachine::pages(ObjectId id) { return find(pages_, id); }
BoxFile* BoxMachine::file(ObjectId id) { return find(files_, id); }

void BoxMachine::drop(const BoxPages& pages) {
  Cpu& acting = cpu(pages.user);
  for (const Pfn pfn : pages.pfns) {
    if (pages.pinned)
      unpin_user_page(acting, pfn);
    else
      put_user_page(acting, pfn);
  }
}

Errc BoxMachine::give_back(ObjectId id) {
  BoxPages taken;
  {
    Guard guard(lock_);
    const auto at = pages_.find(id);
    if (at == pages_.end()) return Errc::kBadF;
    taken = std::move(at->second);
    pages_.erase(at);
  }
  drop(taken);
  return Errc::kOk;
}

std::uint64_t BoxMachine::reclaim(unsigned user, std::uint64_t pages) {
  Cpu& acting = cpu(user);
  lru_add_drain_all(acting);
  std::vector<Pfn> candidates;
  {
    Zone& zone = box_.zone();
    Guard guard(zone.lru_lock());
    for (const LruKind kind : {LruKind::kInactiveFile, LruKind::kInactiveAnon, LruKind::kActiveFile,
                               LruKind::kActiveAnon}) {
      const auto first = static_cast<std::ptrdiff_t>(candidates.size());
      (void)zone.for_each(kind, [&](Page page) { candidates.push_back(machine_.pfn_of(page)); });
      std::reverse(candidates.begin() + first, candidates.end());  // the tail goes first
    }
  }
  std::uint64_t freed = 0;
  for (const Pfn pfn : candidates) {
    if (freed >= pages) break;
    const Page folio = machine_.page(pfn);
    if (box_.owns(pfn) || !folio.try_ref_add_unless_zero(1)) continue;
    const bool isolated = folio_isolate_lru(acting, folio);
    folio_put(acting, folio);
    if (isolated) freed += reclaim_pages(acting, std::span(&pfn, 1));
  }
  return freed;
}

std::uint64_t BoxMachine::compact(unsigned user, Pfn first, Pfn end) {
  std::uint64_t moved = 0;
  // The box's own pages have mappings that no page table knows: they stay.
  for (Pfn at = first; at < end;) {
    Pfn stop = at;
    while (stop < end && !box_.owns(stop)) stop = stop + 1;
    if (stop > at) moved += compact_range(cpu(user), at, stop);
    at = stop > at ? stop : at + 1;
  }
  return moved;
}

LeftOver BoxMachine::end_user(unsigned user) {
  LeftOver left;
  // All of it is one operation: what was waited for in vain once is not waited for again
  // for each of its pages. Others may go on meanwhile, so it is not alone.
  LeavingWatch watch;
  std::optional<PatienceScope> patience;
  if (active_patience == nullptr) patience.emplace(watch);
  const auto ids = [&](const auto& map) {
    Guard guard(lock_);
    std::vector<ObjectId> found;
    for (const auto& [id, each] : map)
      if (each.user == user) found.push_back(id);
    return found;
  };
  // The youngest first, as children before their parents.
  auto mms = ids(mms_);
  std::ranges::reverse(mms);
  for (const ObjectId id : mms) left.mms += close_mm(id) == Errc::kOk ? 1 : 0;
  for (const ObjectId id : ids(pages_)) {
    const BoxPages* taken = pages(id);
    left.pinned.insert(left.pinned.end(), taken->pfns.begin(), taken->pfns.end());
    (void)give_back(id);
  }
  for (const ObjectId id : ids(files_)) left.files += close_file(id) == Errc::kOk ? 1 : 0;
  lru_add_drain_all(cpu(user));
  machine_.rcu.barrier();
  return left;
}

LeftOver BoxMachine::left_of(unsigned user) {
  LeftOver left;
  Guard guard(lock_);
  for (const auto& [id, mm] : mms_) left.mms += mm.user == user ? 1 : 0;
  for (const auto& [id, file] : files_) left.files += file.user == user ? 1 : 0;
  for (const auto& [id, taken] : pages_)
    if (taken.user == user)
      left.pinned.insert(left.pinned.end(), taken.pfns.begin(), taken.pfns.end());
  return left;
}

}  // namespace pagebox::inline PAGEBOX_ENV
