// The audit: recomputes from the ledger, the page setups and the lists what
// every touched descriptor must hold, and reports each difference. It reads and
// never repairs; a corrupted pointer is reported, not followed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/errc.h"
#include "base/stop_ask.h"
#include "engine/audit/invariants.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

class Box;

/// Of a row that is about no page: `field` says what.
inline constexpr Pfn kNoPfn{~std::uint64_t{0}};

struct AuditRow {
  Invariant invariant = Invariant::kRefcountAccounted;
  Pfn pfn;
  std::string field;
  std::uint64_t expected = 0, found = 0;
  std::string explanation;  // who accounts for what was expected
};

struct AuditReport {
  std::vector<AuditRow> rows;    // the first ones: by pfn, of the lists, of the machine
  std::uint64_t rows_total = 0;  // found in all
  std::array<std::uint64_t, kInvariants> by_invariant{};
  std::uint64_t pages = 0;  // descriptors looked at
  /// Facts that this box cannot know, in words.
  std::vector<std::string_view> unknown;

  bool clean() const { return rows_total == 0; }
};

inline constexpr std::size_t kAuditRows = 64;

/// Audits one box again and again without new memory. The box is the caller's alone
/// meanwhile (ExclusiveRun), and outlives the auditor.
class Auditor {
 public:
  explicit Auditor(Box& box);
  ~Auditor();
  Auditor(const Auditor&) = delete;
  Auditor& operator=(const Auditor&) = delete;

  /// Looks at touched descriptors only. Keeps at most `max_rows` rows; the counts are
  /// exact. `report` is overwritten, its memory used again. One that was told to stop
  /// has looked at `report.pages`, and says so in `unknown`. kNoMem: the scratch
  /// descriptors cannot be reserved.
  Errc run(AuditReport& report, std::size_t max_rows = kAuditRows, const StopAsk& stop = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// One audit.
Errc audit(Box& box, AuditReport& report, std::size_t max_rows = kAuditRows);

}  // namespace pagebox::inline PAGEBOX_ENV
