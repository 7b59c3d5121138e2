#include "engine/audit/audit.h"

#include "engine/audit/audit_folio.h"
#include "engine/audit/audit_lists.h"
#include "engine/box/box_machine.h"

namespace pagebox::inline PAGEBOX_ENV {

class Auditor::Impl {
 public:
  explicit Impl(Box& box) : box_(box) {}

  Errc run(AuditReport& report, std::size_t max_rows, const StopAsk& stop) {
    if (const Errc error = reserve_scratch(); error != Errc::kOk) return error;
    report.rows.clear();
    report.rows_total = 0;
    report.by_invariant = {};
    report.pages = 0;
    report.unknown.clear();
    if (box_.ledger() == nullptr) {
      report.unknown.push_back(
          "who holds pins: without a ledger the scheme's own count is believed");
      report.unknown.push_back("references from get: more than is accounted for is taken for them");
    }

    AuditSink sink(report, max_rows);
    FolioAudit folios(box_, *scratch_, *scratch_zone_, *scratch_allocator_);
    std::uint64_t with_lru = 0;
    bool stopped = false;
    box_.memmap().for_each_touched([&](Pfn first, Pfn end) {
      for (Pfn at = first; at < end; scratch_->reset()) {
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

 private:
  Errc reserve_scratch() {
    if (scratch_ != nullptr) return Errc::kOk;
    const Memmap& memmap = box_.memmap();
    if (const Errc error =
            Memmap::create(memmap.layout(), memmap.pages(), memmap.capacity(), scratch_);
        error != Errc::kOk)
      return error;
    scratch_zone_ = std::make_unique<Zone>(*scratch_, box_.zone().index());
    scratch_allocator_ = std::make_unique<Allocator>(*scratch_, Pfn{0}, Pfn{memmap.pages()});
    return Errc::kOk;
  }

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
  std::unique_ptr<Memmap> scratch_;
  std::unique_ptr<Zone> scratch_zone_;
  std::unique_ptr<Allocator> scratch_allocator_;
};

Auditor::Auditor(Box& box) : impl_(std::make_unique<Impl>(box)) {}
Auditor::~Auditor() = default;

Errc Auditor::run(AuditReport& report, std::size_t max_rows, const StopAsk& stop) {
  return impl_->run(report, max_rows, stop);
}

Errc audit(Box& box, AuditReport& report, std::size_t max_rows) {
  return Auditor(box).run(report, max_rows);
}

}  // namespace pagebox::inline PAGEBOX_ENV
