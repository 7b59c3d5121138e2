// The audit of address spaces: recomputes from page tables, page caches, swap,
// batches and pins handed out what counts and links must be. Reads and never
// repairs; with nothing running.
#pragma once

#include <cstdint>
#include <span>

#include "engine/audit/audit_row.h"
#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

/// References that somebody outside the address spaces holds.
struct HeldReference {
  Pfn pfn;
  bool pinned = false;    // FOLL_PIN, or a plain reference
  bool by_pfn = false;    // taken of the page itself: GUP's statistics know nothing of it
  bool isolated = false;  // one that keeps the page off its LRU
  std::uint32_t count = 1;
};

/// Everything that is alive: whatever is not named here is unaccounted.
struct MmAuditInput {
  std::span<Mm* const> mms;
  std::span<const HeldReference> held;
  /// What each of `mms` is called in rows; empty: by its place among them.
  std::span<const std::uint64_t> processes = {};  // NOLINT(readability-redundant-member-init)
  /// Heads that are none of the machine's, though in its memmap. Null: there are none.
  bool (*is_foreign)(const void* context, Pfn pfn) = nullptr;
  const void* context = nullptr;
  /// Somebody may hold references and pins that nobody wrote down: more than is
  /// accounted for is taken for them.
  bool held_is_partial = false;
};

constexpr std::uint64_t process_of(const MmAuditInput& input, std::size_t mm) {
  return mm < input.processes.size() ? input.processes[mm] : mm;
}

void audit_mm(Machine& machine, const MmAuditInput& input, AuditSink& sink);

}  // namespace pagebox::inline PAGEBOX_ENV
