#include "engine/audit/audit_tables.h"

#include <string>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

void check_table(const Machine& machine, Pfn pfn, AuditSink& sink) {
  const Page page = machine.page(pfn);
  const Shape& shape = page.shape();
  const auto check = [&](const char* word, std::uint64_t expected, std::uint64_t found,
                         const char* why) {
    if (expected == found) return;
    sink.add(Invariant::kWordsKept, AuditPlace::page(pfn), word, expected, found,
             [&] { return std::string(word) + " of a page table: " + why; });
  };
  check("page_type", shape.table_type, static_cast<std::uint32_t>(page.mapcount_raw()),
        "it says what the page is");
  if (shape.ptl != 0)
    check("ptl", 0, atomics::load(page.u32(shape.ptl)), "the split lock, free at rest");
  if (shape.pmd_huge_pte == 0) return;
  const std::uint64_t reserve = machine.tables.record(pfn).reserve;
  check("pmd_huge_pte", reserve == 0 ? 0 : machine.memmap.addresses().of_page({reserve - 1}),
        page.word_at(shape.pmd_huge_pte), "the next table in reserve");
}

}  // namespace

void audit_tables(const Machine& machine, std::span<Mm* const> mms, AuditSink& sink) {
  for (const Mm* mm : mms)
    mm->page_table.visit([&](Pfn pfn) { check_table(machine, pfn, sink); },
                         [](std::uint64_t, PteSlot) {});
  for (const Damage& each : machine.damage.rows())
    sink.add(Invariant::kWordsKept, AuditPlace::page(each.pfn), each.word, each.expected,
             each.found, [&] { return std::string(each.word) + ": " + each.why; });
  if (const std::uint64_t told = machine.damage.rows().size(); machine.damage.total() > told)
    sink.add(Invariant::kWordsKept, AuditPlace::nowhere(), "words", told, machine.damage.total(),
             "overwritten words that were found; the first ones are told");
}

}  // namespace pagebox::inline PAGEBOX_ENV
