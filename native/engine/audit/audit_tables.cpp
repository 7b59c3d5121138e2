#include "engine/audit/audit_tables.h"

#include <string>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

void check_table(const Machine& machine, Pfn pfn, std::vector<MmAuditRow>& rows) {
  const Page page = machine.page(pfn);
  const Shape& shape = page.shape();
  const auto check = [&](const char* word, std::uint64_t expected, std::uint64_t found,
                         const char* why) {
    if (expected == found) return;
    rows.push_back({MmInvariant::kWordsKept, pfn.value, expected, found,
                    std::string(word) + " of a page table: " + why, MmPlace::kPfn, word});
  };
  check("page_type", shape.table_type, static_cast<std::uint32_t>(page.mapcount_raw()),
        "it says what the page is");
  if (shape.ptl != 0)
    check("ptl", 0, atomics::load(page.u32(shape.ptl)), "the split lock, free at rest");
  if (shape.pmd_huge_pte == 0) return;
  const std::uint64_t reserve = machine.tables.record(pfn).reserve;
  check("pmd_huge_pte", reserve == 0 ? 0 : machine.memmap.addresses().of_page({reserve - 1}),
        page.word(shape.pmd_huge_pte / shape.word_bytes), "the next table in reserve");
}

}  // namespace

void audit_tables(const Machine& machine, std::span<Mm* const> mms, std::vector<MmAuditRow>& rows) {
  for (const Mm* mm : mms)
    mm->page_table.visit([&](Pfn pfn) { check_table(machine, pfn, rows); }, [](PteSlot) {});
  for (const Damage& each : machine.damage.rows())
    rows.push_back({MmInvariant::kWordsKept, each.pfn.value, each.expected, each.found,
                    std::string(each.word) + ": " + each.why, MmPlace::kPfn, each.word});
  if (const std::uint64_t told = machine.damage.rows().size(); machine.damage.total() > told)
    rows.push_back({MmInvariant::kWordsKept,
                    0,
                    told,
                    machine.damage.total(),
                    "overwritten words that were found; the first ones are told",
                    MmPlace::kNowhere,
                    {}});
}

}  // namespace pagebox::inline PAGEBOX_ENV
