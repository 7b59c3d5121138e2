// The part of the audit that looks at one folio.
#pragma once

#include <cstdint>

#include "engine/audit/audit_row.h"
#include "engine/box/box.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Compares folios with what their setups say: the setup is done once more, at the
/// same pfn of a scratch array, and the fields that nobody may have changed are
/// compared one by one. The others follow from the accounts.
class FolioAudit {
 public:
  FolioAudit(const Box& box, Memmap& scratch, Zone& scratch_zone, Allocator& scratch_allocator)
      : box_(box),
        scratch_(scratch),
        scratch_zone_(scratch_zone),
        scratch_allocator_(scratch_allocator),
        spare_flags_(~used_flag_bits(box.memmap().layout())) {}

  /// `head`'s pages, of which `record` says what they are.
  void check(Pfn head, const PageRecord& record, AuditSink& sink);
  void check_free(Pfn pfn, AuditSink& sink);
  void check_never(Pfn pfn, AuditSink& sink);

 private:
  struct Holders {
    std::uint64_t pins = 0, refs = 0, isolations = 0;
    bool known = false;  // false: there is no ledger, and pins is the scheme's word
  };

  Holders holders_of(Pfn head) const;
  void replay_setup(Pfn head, const PageRecord& record);
  void check_references(Pfn head, const PageRecord& record, const Holders& holders,
                        AuditSink& sink);
  void check_pins(Pfn head, const Holders& holders, AuditSink& sink);
  void check_mapcount(Pfn head, const PageRecord& record, const Holders& holders, AuditSink& sink);
  void check_flags(Pfn head, const PageRecord& record, const Holders& holders, AuditSink& sink);
  void check_fields(Pfn head, const PageRecord& record, AuditSink& sink);
  /// `counts_pins`: it is a tail behind page[2] that has the folio's pin count.
  void check_fields_of(Pfn pfn, PageTypeSet types, const PageRecord& record, AuditSink& sink,
                       bool counts_pins = false);

  const Box& box_;
  Memmap& scratch_;
  Zone& scratch_zone_;
  Allocator& scratch_allocator_;
  std::uint64_t spare_flags_;  // bits of page->flags that are nobody's but a scheme's
};

}  // namespace pagebox::inline PAGEBOX_ENV
