#include "engine/audit/audit_hugetlb.h"

#include <map>
#include <string>

#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {

void audit_hugetlb(const Machine& machine, std::uint64_t promised, std::vector<MmAuditRow>& rows) {
  const HugetlbPool& pool = machine.hugetlb;
  const HugetlbCounts counts = pool.counts();
  const auto row = [&](Pfn pfn, std::uint64_t expected, std::uint64_t found, const char* what) {
    rows.push_back(
        {MmInvariant::kHugetlbCounted, pfn.value, expected, found, what, MmPlace::kPfn, {}});
  };
  const auto differ = [&](std::uint64_t expected, std::uint64_t found, const char* what) {
    if (expected != found)
      rows.push_back(
          {MmInvariant::kHugetlbCounted, 0, expected, found, what, MmPlace::kNowhere, {}});
  };
  differ(promised, counts.reserved, "huge pages promised to mappings");
  if (counts.reserved > counts.free)
    differ(counts.free, counts.reserved, "more huge pages are promised than are free");
  std::map<Pfn, unsigned> listed;
  for (const bool free : {true, false}) {
    std::vector<Pfn> heads;
    if (pool.heads(free, heads) != Errc::kOk)
      differ(0, 1,
             free ? "the list of free huge pages is no closed ring"
                  : "the list of huge pages in use is no closed ring");
    else if (free)
      differ(counts.free, heads.size(), "huge pages on the free list");
    for (const Pfn pfn : heads) {
      listed[pfn] += 1;
      const std::int32_t references = machine.page(pfn).refcount();
      if ((references == 0) != free)
        row(pfn, free ? 0 : 1, static_cast<std::uint64_t>(references),
            free ? "references of a free huge page" : "in use, yet held by nobody");
    }
  }
  for (const Pfn pfn : pool.pages()) {
    const Page folio = machine.page(pfn);
    if (listed[pfn] != 1) row(pfn, 1, listed[pfn], "lists that have the page");
    if (!folio_test_hugetlb(folio) || folio_order(machine.memmap, folio) != kHugeOrder)
      row(pfn, 1, 0, "no hugetlb page any more");
    else if (folio.refcount() == 0 && folio_mapcount(folio) != 0)
      row(pfn, 0, static_cast<std::uint64_t>(folio_mapcount(folio)),
          "mappings of a free huge page");
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
