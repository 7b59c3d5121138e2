// Moving a folio to another frame.
#pragma once

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

/// References a folio has when nobody but page tables, caches and the caller
/// (who isolated it: one) holds it.
std::int32_t folio_expected_refs(Machine& machine, Page folio);
/// The new page takes the old one's place in file or anon_vma and swap cache.
/// kAgain: more references than `expected_refs`, nothing changed. Both locked, old one
/// unmapped.
Errc folio_migrate_mapping(Cpu& cpu, Page to, Page from, std::int32_t extra_refs);
/// Flags that travel with the contents.
void folio_migrate_flags(Cpu& cpu, Page to, Page from);
/// Isolated folio to a new frame. kAgain: busy or pinned, it stays (and is put back).
Errc migrate_folio(Cpu& cpu, Page folio);
/// Moves what it can of [first, end) away, from the top, to frames that the
/// allocator gives. How many moved. The simplest user of migration.
unsigned compact_range(Cpu& cpu, Pfn first, Pfn end);
/// COMPACT_CLUSTER_MAX (v6.12).
inline constexpr std::uint64_t kCompactCluster = 32;
/// The same of `most` pages at most, moved or not: it goes on where the last one stopped, and from
/// the top again after it has come to `first` (compact_cached_migrate_pfn of v6.12).
unsigned compact_some(Cpu& cpu, Pfn first, Pfn end, std::uint64_t most);

}  // namespace pagebox::inline PAGEBOX_ENV
