#include "page/rules.h"

#include <algorithm>
#include <bit>

namespace pagebox::inline PAGEBOX_ENV {
namespace rule_rows {
namespace {

// Of what only recordings tell, `since` is the kernel that was recorded.
constexpr std::string_view kRecorded = "recordings of v6.12 and v7.2";
constexpr std::string_view kDriver = "lib/test_hmm.c of v6.12 and v7.2; recordings of both";

constexpr std::array<RuleInfo, kRules> kRuleTable = {{
    {.rule = Rule::kAnonExclusive,
     .name = "anon-exclusive",
     .since = {5, 19},
     .meaning = "how it is known that an anonymous page belongs to one process alone",
     .before = "by its references, at the next write; pins take it as it is",
     .after = "PG_anon_exclusive says it; a pin of a page that is not exclusive unshares it first",
     .source = "6c287605fd56, a7f226604170"},
    {.rule = Rule::kHmmFreeAtZero,
     .name = "hmm-free-at-zero",
     .since = {5, 18},
     .meaning = "references of a free page of private, public or coherent device memory",
     .before = "one: the put from 2 to 1 gives the page back",
     .after = "none",
     .source = "27674ef6c73f"},
    {.rule = Rule::kDaxFreeAtZero,
     .name = "dax-free-at-zero",
     .since = {6, 15},
     .meaning = "references of an idle page of fsdax, devdax and p2pdma memory",
     .before = "one",
     .after = "none",
     .source = "38607c62b34b, aed877c2b425, b7e282378773"},
    {.rule = Rule::kDaxEntriesCounted,
     .name = "dax-entries-counted",
     .since = {6, 17},
     .meaning = "page table entries of DAX memory",
     .before = "devmap entries, which count neither references nor mappings",
     .after =
         "entries as of any file: each counts a reference and a mapping; there is no devmap bit",
     .source = "\"mm: remove devmap related functions and page table bits\"",
     .after_exists = false},
    {.rule = Rule::kDeviceFaultLocks,
     .name = "device-fault-locks",
     .since = {6, 15},
     .meaning = "a CPU fault on a page of private device memory, before it takes its reference",
     .before =
         "takes it without a lock, so two faults may keep each other from moving the page for "
         "good",
     .after = "locks the page first, or tries again later",
     .source = "1afaeb8293c9",
     .before_exists = false},
    {.rule = Rule::kExclusiveOneKind,
     .name = "exclusive-one-kind",
     .since = {6, 15},
     .meaning = "kinds of device-exclusive entries",
     .before = "writable and read-only ones: what mprotect made read-only comes back read-only",
     .after = "one: it comes back as the mapping allows",
     .source = "c25465eb7630",
     .after_exists = false},
    {.rule = Rule::kExclusiveKeepsMapping,
     .name = "exclusive-keeps-mapping",
     .since = {6, 15},
     .meaning = "what a device-exclusive entry counts of its page",
     .before = "a reference",
     .after = "a reference and a mapping, and the page's owner finds the entry through it",
     .source = "series around c25465eb7630; recordings of v7.2",
     .after_exists = false},
    {.rule = Rule::kExclusiveClean,
     .name = "exclusive-clean",
     .since = {7, 2},
     .meaning = "an exclusive entry that turns back into a page",
     .before = "is dirty and soft-dirty if the page was dirty",
     .after = "is not soft-dirty by that: read-only until written where soft-dirty is tracked",
     .source = kRecorded,
     .after_exists = false},
    {.rule = Rule::kExclusivePageByPage,
     .name = "exclusive-page-by-page",
     .since = {6, 15},
     .meaning = "how a device asks for exclusive access to a range",
     .before = "for chunks: EBUSY if one page cannot be had, and no page of its chunk enters the "
               "device's table",
     .after =
         "page by page: it stops at the first that cannot be had, with that page's error; those "
         "before it are in the table",
     .source =
         "a page a call since the series around c25465eb7630; lib/test_hmm.c of v6.12 and v7.2; "
         "recordings of both",
     .after_exists = false},
    {.rule = Rule::kExclusiveSplitsHuge,
     .name = "exclusive-splits-huge",
     .since = {7, 2},
     .meaning = "exclusive access to one page of a huge page",
     .before = "all of its entries become exclusive for the first page, and none for another",
     .after = "its mapping becomes small, and that page's entry exclusive",
     .source = kRecorded,
     .after_exists = false},
    {.rule = Rule::kHolesReadOnly,
     .name = "holes-read-only",
     .since = {7, 2},
     .meaning = "a hole or zero page that moves to a device, in the device's table",
     .before = "writable where the mapping is",
     .after = "read-only: the device's next write faults",
     .source = kDriver},
    {.rule = Rule::kMirrorChunks,
     .name = "mirror-chunks",
     .since = {7, 2},
     .meaning = "pages that the mirror device handles at once",
     .before = "64, faults and migrations",
     .after = "32 of a fault, 512 of a migration",
     .source = kDriver},
    {.rule = Rule::kEntriesHaveNoDirt,
     .name = "entries-have-no-dirt",
     .since = {7, 2},
     .meaning = "a private device page that is taken out through the page, its entry read-only",
     .before = "is marked dirty: bits of the entry are taken for a dirty bit",
     .after = "keeps its flag; a writable entry still makes it dirty",
     .source = kRecorded},
    {.rule = Rule::kMremapMovesAll,
     .name = "mremap-moves-all",
     .since = {6, 17},
     .meaning = "mremap of a fixed length over more than one mapping",
     .before = "EFAULT",
     .after = "moves all of them, gaps stay gaps, as long as the first page is mapped",
     .source =
         "\"mm/mremap: permit mremap() move of multiple VMAs\", of July 2025; recordings of v6.12 "
         "and v7.2"},
    {.rule = Rule::kSwapinThroughCache,
     .name = "swapin-through-cache",
     .since = {7, 2},
     .meaning = "a page that comes back from swap for one user alone",
     .before = "never enters the swap cache, and comes back clean",
     .after = "goes through the swap cache and gives its slot up at once: it comes back dirty",
     .source = kRecorded},
    {.rule = Rule::kHugeZeroGetsHuge,
     .name = "huge-zero-gets-huge",
     .since = {7, 2},
     .meaning = "a write to the huge zero page",
     .before = "splits its mapping and gives one small page",
     .after = "gives a huge page",
     .source = kRecorded,
     .after_exists = false},
    {.rule = Rule::kHugePartMigrates,
     .name = "huge-part-migrates",
     .since = {7, 2},
     .meaning =
         "one page of a huge page that is mapped by small entries, asked to move to a device",
     .before = "stays where it is",
     .after = "moves: the huge page is split first",
     .source = kRecorded,
     .after_exists = false},
    {.rule = Rule::kHugeMigratesWhole,
     .name = "huge-migrates-whole",
     .since = {6, 19},
     .meaning = "a huge page that moves to private device memory",
     .before = "is split: only single pages migrate",
     .after = "moves as one folio, and back",
     .source = "Documentation/mm/hmm.rst of v6.19; recordings of v7.2",
     .after_exists = false},
    {.rule = Rule::kHugePartTakenOver,
     .name = "huge-part-taken-over",
     .since = {6, 15},
     .meaning = "a write to a read-only page of a huge page that this process alone maps, in parts",
     .before = "copies it",
     .after = "takes it over",
     .source =
         "\"mm: Copy-on-Write (COW) reuse support for PTE-mapped THP\", with the mm ids of v6.15",
     .after_exists = false},
    {.rule = Rule::kEmptyTablesFreed,
     .name = "empty-tables-freed",
     .since = {7, 2},
     .meaning = "the page table of an aligned 2 MiB that MADV_DONTNEED has emptied",
     .before = "stays",
     .after = "is freed (PT_RECLAIM)",
     .source = kRecorded,
     .after_exists = false},
}};

/// What holds in that version. Where only the newer behaviour exists, every version has it.
constexpr KernelRules rules_at(KernelVersion version) {
  KernelRules rules;
  for (const RuleInfo& row : kRuleTable)
    rules = rules.with(row.rule, row.since <= version || !row.before_exists);
  return rules;
}

constexpr std::array<RuleSet, 3> kRuleSets = {{
    {"v4.20", {4, 20}, rules_at({4, 20})},
    {"v6.12", {6, 12}, rules_at({6, 12})},
    {"v7.2", {7, 2}, rules_at({7, 2})},
}};

constexpr bool in_order() {
  for (unsigned i = 0; i < kRules; ++i)
    if (static_cast<unsigned>(kRuleTable[i].rule) != i) return false;
  return true;
}
static_assert(in_order());

}  // namespace
}  // namespace rule_rows

using rule_rows::kRuleTable, rule_rows::kRuleSets;

std::span<const RuleInfo, kRules> kernel_rules() { return kRuleTable; }
std::span<const RuleSet> rule_sets() { return kRuleSets; }

const RuleSet* find_rules(std::string_view name) {
  const auto at = std::ranges::find(kRuleSets, name, &RuleSet::name);
  return at == kRuleSets.end() ? nullptr : &*at;
}

std::optional<KernelRules> parse_rules(std::string_view text) {
  constexpr std::string_view kSigns = "+~";
  std::size_t end = text.find_first_of(kSigns);
  const RuleSet* kernel = find_rules(text.substr(0, end));
  if (kernel == nullptr) return std::nullopt;
  KernelRules rules = kernel->rules;
  while (end != std::string_view::npos) {
    const bool newer = text[end] == '+';
    const std::size_t begin = end + 1;
    end = text.find_first_of(kSigns, begin);
    const std::string_view name =
        text.substr(begin, end == std::string_view::npos ? end : end - begin);
    const auto row = std::ranges::find(kRuleTable, name, &RuleInfo::name);
    if (row == kRuleTable.end()) return std::nullopt;
    rules = rules.with(row->rule, newer);
  }
  return rules;
}

KernelRules rules_of(std::string_view name) { return find_rules(name)->rules; }

std::string name_of_rules(KernelRules rules) {
  const RuleSet* best = &kRuleSets.front();
  const auto distance = [&](const RuleSet& set) {
    return std::popcount(set.rules.bits ^ rules.bits);
  };
  for (const RuleSet& set : kRuleSets)
    if (distance(set) < distance(*best)) best = &set;
  std::string name(best->name);
  for (const RuleInfo& row : kRuleTable)
    if (rules.has(row.rule) != best->rules.has(row.rule))
      name += (rules.has(row.rule) ? "+" : "~") + std::string(row.name);
  return name;
}

std::string rules_missing(KernelRules rules) {
  std::string names;
  for (const RuleInfo& row : kRuleTable)
    if (rules.has(row.rule) ? !row.after_exists : !row.before_exists) {
      if (!names.empty()) names += ", ";
      names += "'" + std::string(row.name) + "'";
    }
  if (names.empty()) return names;
  return "rules '" + name_of_rules(rules) + "': pagebox does not have yet what they say of " +
         names;
}

KernelRules rules_at_hand(KernelRules rules) {
  for (const RuleInfo& row : kRuleTable)
    if (rules.has(row.rule) ? !row.after_exists : !row.before_exists)
      rules = rules.with(row.rule, !rules.has(row.rule));
  // Mapped and not counted, a page that is free at zero would be free while it is mapped.
  if (!rules.has(Rule::kDaxEntriesCounted)) rules = rules.with(Rule::kDaxFreeAtZero, false);
  return rules;
}

}  // namespace pagebox::inline PAGEBOX_ENV
