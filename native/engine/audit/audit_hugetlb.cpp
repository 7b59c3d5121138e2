#include "engine/audit/audit_hugetlb.h"

#include <map>
#include <vector>

#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {

void audit_hugetlb(const Machine& machine, std::uint64_t promised, AuditSink& sink) {
  const HugetlbPool& pool = machine.hugetlb;
  const HugetlbCounts counts = pool.counts();
  const auto count = [&](const char* field, std::uint64_t expected, std::uint64_t found,
                         const char* what) {
    sink.add(Invariant::kHugetlbCounted, AuditPlace::nowhere(), field, expected, found, what);
  };
  const auto listed_wrongly = [&](AuditPlace place, const char* field, std::uint64_t expected,
                                  std::uint64_t found, const char* what) {
    sink.add(Invariant::kHugetlbCounted, place, field, expected, found, what);
  };
  if (counts.reserved != promised)
    count("reserved", promised, counts.reserved, "huge pages promised to mappings");
  if (counts.reserved > counts.free)
    count("reserved", counts.free, counts.reserved, "more huge pages are promised than are free");
  std::map<Pfn, unsigned> listed;
  for (const bool free : {true, false}) {
    std::vector<Pfn> heads;
    if (pool.heads(free, heads) != Errc::kOk)
      listed_wrongly(AuditPlace::of_list(free ? "hugepage_freelists" : "hugepage_activelist"),
                     "lru", 0, 1,
                     free ? "the list of free huge pages is no closed ring"
                          : "the list of huge pages in use is no closed ring");
    else if (free && heads.size() != counts.free)
      count("free", heads.size(), counts.free, "huge pages on the free list");
    for (const Pfn pfn : heads) {
      listed[pfn] += 1;
      const std::int32_t references = machine.page(pfn).refcount();
      if ((references == 0) != free)
        listed_wrongly(AuditPlace::page(pfn), "_refcount", free ? 0 : 1,
                       static_cast<std::uint64_t>(references),
                       free ? "references of a free huge page" : "in use, yet held by nobody");
    }
  }
  for (const Pfn pfn : pool.pages()) {
    const Page folio = machine.page(pfn);
    const AuditPlace page = AuditPlace::page(pfn);
    if (listed[pfn] != 1) listed_wrongly(page, "lru", 1, listed[pfn], "lists that have the page");
    if (!folio_test_hugetlb(folio) || folio_order(machine.memmap, folio) != kHugeOrder)
      listed_wrongly(page, "page_type", 1, 0, "no hugetlb page any more");
    else if (folio.refcount() == 0 && folio_mapcount(folio) != 0)
      listed_wrongly(page, "_mapcount", 0, static_cast<std::uint64_t>(folio_mapcount(folio)),
                     "mappings of a free huge page");
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
