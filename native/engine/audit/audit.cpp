#include "engine/audit/audit.h"

#include <algorithm>

#include "engine/audit/audit_folio.h"
#include "engine/audit/audit_lists.h"
#include "engine/box/box_machine.h"

namespace pagebox::inline PAGEBOX_ENV {

class Auditor::Impl {
 public:
  explicit Impl(Box& box) : box_(box) {}

  Errc run(AuditReport& report, std::size_t max_rows, const StopAsk& stop) {
    if (const Errc error = reserve_scratch(); error != Errc::kOk) return error;
    report.clear();
    if (box_.ledger() == nullptr) {
      report.unknown.push_back(
          "who holds pins: without a ledger the scheme's own count is believed");
      report.unknown.push_back("references from get: more than is accounted for is taken for them");
    }

    AuditSink sink(report, max_rows);
    FolioAudit folios(box_, *scratch_.memmap, *scratch_.zone, *scratch_.allocator);
    std::uint64_t with_lru = 0;
    bool stopped = false;
    box_.memmap().for_each_touched([&](Pfn first, Pfn end) {
      for (Pfn at = first; at < end; scratch_.memmap->reset()) {
        // What takes no time is done whoever asks.
        stopped = stopped || (report.pages >= kAlwaysPages && stop());
        if (stopped) return;
        const Pfn next = check_run(at, end, with_lru, folios, sink);
        report.pages += next - at;
        at = next;
      }
    });
    if (stopped) {
      report.unknown.push_back("the rest: the audit was told to stop");
      return Errc::kOk;
    }
    check_lists(box_, with_lru, sink);
    if (box_.machine() != nullptr) box_.machine()->audit(sink);
    return Errc::kOk;
  }

  Errc run_placed(AuditSink& sink) {
    if (const Errc error = reserve_scratch(); error != Errc::kOk) return error;
    FolioAudit folios(box_, *scratch_.memmap, *scratch_.zone, *scratch_.allocator);
    const Pfn placed{box_.placed_pages()};
    std::uint64_t with_lru = 0;
    box_.memmap().for_each_touched([&](Pfn first, Pfn end) {
      Pfn at = first;
      for (; at < std::min(end, placed); scratch_.memmap->reset())
        at = check_run(at, std::min(end, placed), with_lru, folios, sink);
      for (; at < end; at = at + 1)
        if (says_lru(box_.memmap().page(at))) ++with_lru;
    });
    check_lists(box_, with_lru, sink);
    return Errc::kOk;
  }

  Errc reserve_scratch() {
    if (scratch_.memmap != nullptr) return Errc::kOk;
    const Memmap& memmap = box_.memmap();
    return scratch_.create({.layout = memmap.layout(),
                            .pages = memmap.pages(),
                            .device_pages = memmap.capacity() - memmap.pages(),
                            .zone = box_.zone().index()});
  }

 private:
  /// About kScratchPages of them, in whole folios: where to go on. Adds those with PG_lru.
  Pfn check_run(Pfn first, Pfn end, std::uint64_t& with_lru, FolioAudit& folios, AuditSink& sink) {
    Pfn pfn = first;
    while (pfn < end && pfn - first < kScratchPages) {
      const PageRecord record = box_.accounts().record(pfn);
      std::uint64_t pages = 1;
      switch (record.state) {
        case PageState::kNever:
          // A machine's pages are looked at by its own part.
          if (box_.machine() == nullptr) folios.check_never(pfn, sink);
          break;
        case PageState::kFree: folios.check_free(pfn, sink); break;
        case PageState::kInUse:
        case PageState::kReleased:
          folios.check(pfn, record, sink);
          pages = std::uint64_t{1} << record.order;
          break;
      }
      for (std::uint64_t i = 0; i < pages; ++i)
        if (says_lru(box_.memmap().page(pfn + i))) ++with_lru;
      pfn = pfn + pages;
    }
    return pfn;
  }

  /// The scratch array gives its memory back after so many pages.
  static constexpr std::uint64_t kScratchPages = 1U << 16;
  static constexpr std::uint64_t kAlwaysPages = 16 * kScratchPages;

  Box& box_;
  Ram scratch_;
};

Auditor::Auditor(Box& box) : impl_(std::make_unique<Impl>(box)) {}
Auditor::~Auditor() = default;

Errc Auditor::run(AuditReport& report, std::size_t max_rows, const StopAsk& stop) {
  return impl_->run(report, max_rows, stop);
}

Errc Auditor::run_placed(AuditSink& sink) { return impl_->run_placed(sink); }

Errc Auditor::prepare() { return impl_->reserve_scratch(); }

Errc audit(Box& box, AuditReport& report, std::size_t max_rows) {
  return Auditor(box).run(report, max_rows);
}

}  // namespace pagebox::inline PAGEBOX_ENV
