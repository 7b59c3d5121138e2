// The audit: recomputes from the ledger, the page setups and the lists what
// every touched descriptor must hold, and reports each difference. It reads and
// never repairs; a corrupted pointer is reported, not followed.
#pragma once

#include <memory>

#include "base/env.h"
#include "base/errc.h"
#include "base/stop_ask.h"
#include "engine/audit/audit_row.h"

namespace pagebox::inline PAGEBOX_ENV {

class Box;

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
  /// Of the pages that were set up by pfn alone, and the lists.
  Errc run_placed(AuditSink& sink);
  /// Makes what audits need, so that none has to. kNoMem: as run().
  Errc prepare();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// One audit.
Errc audit(Box& box, AuditReport& report, std::size_t max_rows = kAuditRows);

}  // namespace pagebox::inline PAGEBOX_ENV
