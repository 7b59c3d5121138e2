#include "mm/huge/large_folio.h"

#include "mm/machine.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// A count of page[1]; stored from -1 on where the layout says so.
std::uint32_t* count_at(Page folio, std::uint16_t offset) {
  return folio_page(folio, 1).u32(offset);
}
std::int32_t from_minus_one(Page folio, std::uint16_t offset) {
  return static_cast<std::int32_t>(atomics::load(count_at(folio, offset)) + 1);
}

/// Entries that map this page of a large folio alone, pins not among them, before that
/// changes by `by`.
std::int32_t change_entries(Machine& machine, Page folio, Page page, std::int32_t by) {
  const std::int32_t before = count_sum(page.mapcount_raw_add(by), 1);
  std::uint32_t* own = page == folio ? machine.head_entries(folio) : nullptr;
  if (own == nullptr) return before;
  return static_cast<std::int32_t>(atomics::fetch_add(own, static_cast<std::uint32_t>(by)));
}

}  // namespace

std::uint64_t folio_nr_pages(Page folio) {
  if (!folio_test_large(folio)) return 1;
  const auto* at = reinterpret_cast<const std::uint8_t*>(folio_page(folio, 1).at());
  const unsigned order = atomics::load(at + folio.shape().order);
  return order <= kMaxOrder ? 1ULL << order : 1;
}

std::int32_t folio_entire_mapcount(Page folio) {
  return folio_test_large(folio) ? from_minus_one(folio, folio.shape().entire_mapcount) : 0;
}

std::uint64_t folio_pages_mapped(Page folio, const std::uint32_t* head_entries) {
  const bool head =
      head_entries != nullptr ? atomics::load(head_entries) != 0 : page_mapcount(folio) > 0;
  std::uint64_t mapped = head ? 1 : 0;
  for (std::uint64_t i = 1; i < folio_nr_pages(folio); ++i)
    mapped += page_mapcount(folio_page(folio, i)) > 0 ? 1 : 0;
  return mapped;
}

std::int32_t folio_mapcount(Page folio) {
  if (!folio_test_large(folio)) return page_mapcount(folio);
  if (folio.shape().large_mapcount != 0) return from_minus_one(folio, folio.shape().large_mapcount);
  std::int32_t sum = folio_entire_mapcount(folio);
  for (std::uint64_t i = 0; i < folio_nr_pages(folio); ++i)
    sum = count_sum(sum, page_mapcount(folio_page(folio, i)));
  return sum;
}

std::int32_t folio_precise_page_mapcount(Page folio, Page page) {
  return count_sum(page_mapcount(page), folio_entire_mapcount(folio));
}

bool folio_likely_mapped_shared(Page folio) {
  const std::int32_t mapcount = folio_mapcount(folio);
  if (!folio_test_large(folio) || mapcount <= 1) return mapcount > 1;
  if (folio_entire_mapcount(folio) > 0 ||
      mapcount > static_cast<std::int32_t>(folio_nr_pages(folio)))
    return true;
  return page_mapcount(folio) > 1;  // v6.12 lets the first page speak for the rest
}

void folio_add_pte_mapping(Machine& machine, Page folio, Page page) {
  if (!folio_test_large(folio)) {
    page.mapcount_raw_add(1);
    return;
  }
  const bool first = change_entries(machine, folio, page, 1) == 0;
  const Shape& shape = folio.shape();
  if (first && shape.nr_pages_mapped != 0)
    atomics::add(count_at(folio, shape.nr_pages_mapped), 1U);
  if (shape.large_mapcount != 0) atomics::add(count_at(folio, shape.large_mapcount), 1U);
}

void folio_add_pmd_mapping(Page folio) {
  const Shape& shape = folio.shape();
  const bool first = atomics::fetch_add(count_at(folio, shape.entire_mapcount), 1U) == ~0U;
  if (first && shape.nr_pages_mapped != 0)
    atomics::add(count_at(folio, shape.nr_pages_mapped), kEntirelyMapped);
  if (shape.large_mapcount != 0) atomics::add(count_at(folio, shape.large_mapcount), 1U);
}

bool folio_remove_pte_mapping(Machine& machine, Page folio, Page page) {
  if (!folio_test_large(folio)) {
    page.mapcount_raw_add(-1);
    return false;
  }
  const Shape& shape = folio.shape();
  if (shape.large_mapcount != 0) atomics::sub(count_at(folio, shape.large_mapcount), 1U);
  if (change_entries(machine, folio, page, -1) != 1) return false;
  if (shape.nr_pages_mapped == 0)
    return folio_entire_mapcount(folio) == 0 &&
           folio_pages_mapped(folio, machine.head_entries(folio)) > 0;
  const std::uint32_t left = atomics::fetch_sub(count_at(folio, shape.nr_pages_mapped), 1U) - 1;
  return left < kEntirelyMapped && left > 0;
}

bool folio_remove_pmd_mapping(Page folio, const std::uint32_t* head_entries) {
  const Shape& shape = folio.shape();
  if (shape.large_mapcount != 0) atomics::sub(count_at(folio, shape.large_mapcount), 1U);
  if (atomics::fetch_sub(count_at(folio, shape.entire_mapcount), 1U) != 0) return false;
  std::uint64_t left = 0;
  if (shape.nr_pages_mapped != 0)
    left = atomics::fetch_sub(count_at(folio, shape.nr_pages_mapped), kEntirelyMapped) -
           kEntirelyMapped;
  else
    left = folio_pages_mapped(folio, head_entries);
  return left > 0 && left < folio_nr_pages(folio);
}

void folio_add_hugetlb_mapping(Page folio) {
  const Shape& shape = folio.shape();
  atomics::add(count_at(folio, shape.entire_mapcount), 1U);
  if (shape.large_mapcount != 0) atomics::add(count_at(folio, shape.large_mapcount), 1U);
}

void folio_remove_hugetlb_mapping(Page folio) {
  const Shape& shape = folio.shape();
  atomics::sub(count_at(folio, shape.entire_mapcount), 1U);
  if (shape.large_mapcount != 0) atomics::sub(count_at(folio, shape.large_mapcount), 1U);
}

}  // namespace pagebox::inline PAGEBOX_ENV
