#include "mm/huge/hugetlb_pool.h"

#include <algorithm>

#include "mm/huge/large_folio.h"
#include "page/allocator.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kFreeAnchor = 0x2001, kActiveAnchor = 0x2002;  // of kLruAnchor
constexpr std::uint8_t kHugetlbPageDtor = 2;                           // v4.20's table
constexpr std::uint64_t kPages = kPagesPerPmd;
constexpr unsigned kTypeShift = 24;  // below it lies nothing that v6.12 looks at

std::uint8_t* dtor_at(Page folio) {
  return reinterpret_cast<std::uint8_t*>(folio_page(folio, 1).at()) + folio.shape().compound_dtor;
}

}  // namespace

bool folio_test_hugetlb(Page folio) {
  if (!folio_test_large(folio)) return false;
  const Shape& shape = folio.shape();
  if (shape.hugetlb_type != 0)
    return static_cast<std::uint32_t>(folio.mapcount_raw()) >> kTypeShift ==
           shape.hugetlb_type >> kTypeShift;
  return shape.compound_dtor != 0 && atomics::load(dtor_at(folio)) == kHugetlbPageDtor;
}

HugetlbPool::HugetlbPool(Memmap& memmap) : memmap_(memmap) {
  list(true).init();
  list(false).init();
}

PageList HugetlbPool::list(bool free) const {
  return free ? PageList(memmap_, free_anchor_, kFreeAnchor, memmap_.shape().lru)
              : PageList(memmap_, active_anchor_, kActiveAnchor, memmap_.shape().lru);
}

Errc HugetlbPool::create(Allocator& allocator, std::uint64_t pages) {
  const Shape& shape = memmap_.shape();
  if (pages > 0 && !has_mark(shape)) return Errc::kRefused;
  const Guard guard(lock_);
  for (std::uint64_t i = 0; i < pages; ++i) {
    const auto block = allocator.alloc(kHugeOrder);
    if (!block) return block.error;
    prep_compound(memmap_, block.value, kHugeOrder);
    const Page folio = memmap_.page(block.value);
    if (shape.hugetlb_type != 0)
      folio.set_mapcount_raw(static_cast<std::int32_t>(shape.hugetlb_type));
    else
      atomics::store(dtor_at(folio), kHugetlbPageDtor);
    // Who prepares it holds it; on the free list nobody does.
    folio.set_refcount(0);
    if (const Errc error = list(true).add_last(folio); error != Errc::kOk) return error;
    pages_.push_back(block.value);
    free_ += 1;
  }
  std::ranges::sort(pages_);
  return Errc::kOk;
}

HugetlbCounts HugetlbPool::counts() const {
  const Guard guard(lock_);
  return {pages_.size(), free_, reserved_};
}

Errc HugetlbPool::reserve(std::uint64_t pages) {
  const Guard guard(lock_);
  if (free_ - reserved_ < pages) return Errc::kNoMem;
  reserved_ += pages;
  return Errc::kOk;
}

void HugetlbPool::unreserve(std::uint64_t pages) {
  const Guard guard(lock_);
  reserved_ -= pages;
}

Result<Page> HugetlbPool::take(bool promised) {
  const Guard guard(lock_);
  if (!promised && free_ == reserved_) return Errc::kNoMem;
  const Result<Page> first = list(true).first();
  if (!first) return first.error;
  if (!first.value) return Errc::kNoMem;
  const Page folio = first.value;
  if (const Errc error = list(true).remove(folio); error != Errc::kOk) return error;
  if (const Errc error = list(false).add_first(folio); error != Errc::kOk) {
    (void)list(true).add_first(folio);
    return error;
  }
  free_ -= 1;
  if (promised) reserved_ -= 1;
  // Last: whoever may grab it finds the rest in place.
  folio.set_refcount(1);
  return folio;
}

void HugetlbPool::free(Page folio) {
  const Guard guard(lock_);
  if (!std::ranges::binary_search(pages_, memmap_.pfn_of(folio))) return;
  // Nobody holds it, so nobody sets a flag meanwhile.
  const std::uint64_t life = memmap_.shape().life_flags & ~folio.mask_of(Flag::kHead);
  folio.set_flags(folio.flags() & ~life);
  folio.set_mapping(0);
  folio.set_index(0);
  folio.set_private_word(0);
  memmap_.forget(folio);
  if (list(false).remove(folio) != Errc::kOk || list(true).add_first(folio) != Errc::kOk) return;
  free_ += 1;
}

bool HugetlbPool::finds(Pfn pfn) const {
  const Pfn head{pfn.value & ~(kPages - 1)};
  return std::ranges::binary_search(pages_, head);
}

Errc HugetlbPool::heads(bool free, std::vector<Pfn>& out) const {
  const PageList from = list(free);
  Result<Page> at = from.first();
  std::uint64_t before = from.address();
  // A ring that was bent may have no end.
  while (at && at.value && out.size() <= pages_.size()) {
    const Pfn pfn = memmap_.pfn_of(at.value);
    out.push_back(pfn);
    if (at.value.lru_prev() != before) return Errc::kCorrupt;
    before = memmap_.addresses().of_lru(pfn);
    at = from.after(at.value);
  }
  return at.error;
}

}  // namespace pagebox::inline PAGEBOX_ENV
