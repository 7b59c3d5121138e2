#include "engine/audit/audit_folio.h"
#include "base/fault.h"

#include <cstring>

namespace pagebox::inline PAGEBOX_ENV {

namespace {

std::string of(std::uint64_t n, std::string_view what) {
  return std::to_string(n) + " " + std::string(what);
}

std::uint64_t mask_of(unsigned bits) {
  return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}

/// The field's bits; it may lie across words, and a box at rest has no writer.
std::uint64_t read_field(Page page, const Field& field) {
  std::uint64_t value = 0;
  const std::size_t end = page.shape().stride_bytes;
  const std::size_t bytes = std::min<std::size_t>(8, end - field.offset_bytes);
  std::memcpy(&value, page.at() + field.offset_bytes, bytes);
  return value >> field.shift & mask_of(field.bits);
}

std::uint64_t low_flags_of(const Shape& shape) {
  std::uint64_t flags = 0;
  for (const std::int8_t bit : shape.flag_bit)
    if (bit >= 0) flags |= std::uint64_t{1} << bit;
  return flags;
}

}  // namespace

FolioAudit::Holders FolioAudit::holders_of(Pfn head) const {
  Holders holders;
  holders.isolations = box_.accounts().isolated(head) ? 1 : 0;
  if (const Ledger* ledger = box_.ledger(); ledger != nullptr) {
    holders.known = true;
    holders.pins = ledger->pins(head);
    holders.refs = box_.accounts().refs(head);
  } else if (const PinCount count = box_.scheme().pins(head); count.exact) {
    holders.pins = count.pins;
  }
  return holders;
}

void FolioAudit::check(Pfn head, const PageRecord& record, AuditSink& sink) {
  const Holders holders = holders_of(head);
  check_references(head, record, holders, sink);
  check_pins(head, holders, sink);

  replay_setup(head, record);
  check_mapcount(head, record, holders, sink);
  check_flags(head, record, holders, sink);
  check_fields(head, record, sink);
  const std::uint64_t stride = scratch_.shape().stride_bytes;
  std::memset(scratch_.page(head).at(), 0, stride << record.order);
}

/// It went well the first time, so its result is not looked at.
void FolioAudit::replay_setup(Pfn head, const PageRecord& record) {
  if (record.populated) {
    scratch_allocator_.init_page(head);
    return;
  }
  PageSetup setup;
  setup.type = record.type;
  setup.order = record.order;
  setup.mapcount = record.mapcount;
  setup.on_lru = false;
  (void)setup_page(scratch_, scratch_zone_, head, setup);
}

void FolioAudit::check_references(Pfn head, const PageRecord& record, const Holders& holders,
                                  AuditSink& sink) {
  const Page page = box_.memmap().page(head);
  const auto each = static_cast<std::uint64_t>(box_.scheme().refs_per_pin(page));
  const std::uint64_t expected =
      record.own_refs + holders.refs + holders.isolations + holders.pins * each;
  // The word has 32 bits: a count that has crossed its limit is compared as it is stored.
  const auto found = static_cast<std::uint32_t>(page.refcount());
  const auto explain = [&] {
    return of(record.own_refs, "of its own, ") + of(holders.refs, "from get, ") +
           of(holders.isolations, "of an isolation, ") + of(holders.pins, "pins of ") +
           std::to_string(each);
  };
  const auto wanted = static_cast<std::uint32_t>(expected);
  if (holders.known && record.state == PageState::kReleased && expected == 0)
    sink.add(Invariant::kFreeIsFree, AuditPlace::page(head), "free", 1, 0,
             "released, and the last reference is gone");
  // Just below zero are too few, from the other end too many (as refcount_t tells them).
  constexpr std::uint32_t kTooMany = 0x80000000, kTooFew = 0xc0000000;
  const bool crossed = found >= kTooMany && found < kTooFew;
  if (holders.known ? found != wanted : !crossed && static_cast<std::int32_t>(found - wanted) < 0)
    sink.add(Invariant::kRefcountAccounted, AuditPlace::page(head), "_refcount", wanted, found,
             explain);
  else if (static_cast<std::int32_t>(found) < 0)
    sink.add(Invariant::kPinLimitKept, AuditPlace::page(head), "_refcount", kRefcountMax, found,
             explain);
  for (std::uint64_t i = 1; i < 1ULL << record.order; ++i) {
    const auto tail = static_cast<std::uint32_t>(box_.memmap().page(head + i).refcount());
    if (tail != 0)
      sink.add(Invariant::kRefcountAccounted, AuditPlace::page(head + i), "_refcount", 0, tail,
               "references of a tail are the head's");
  }
}

void FolioAudit::check_pins(Pfn head, const Holders& holders, AuditSink& sink) {
  const Pins& scheme = box_.scheme();
  const PinCount count = scheme.pins(head);
  const auto explain = [&] { return of(holders.pins, "pins in the ledger"); };
  if (holders.known && count.exact && count.pins != holders.pins &&
      !planted(Mistake::kBlindPincount))
    sink.add(Invariant::kPincountExact, AuditPlace::page(head), "pins", holders.pins, count.pins,
             explain);
  if (holders.known && !count.exact && count.pins < holders.pins)
    sink.add(Invariant::kPincountBound, AuditPlace::page(head), "pins", holders.pins, count.pins,
             explain);
  if (holders.pins > 0 && !scheme.maybe_pinned(head))
    sink.add(Invariant::kMaybePinnedSound, AuditPlace::page(head), "maybe_pinned", 1, 0, explain);
  if (const StateBit* state = scheme.wrong_state(head); state != nullptr)
    sink.add(Invariant::kPincountExact, AuditPlace::page(head), state->name, count.pins != 0,
             count.pins == 0, [&] { return of(count.pins, "in the count beside this state"); });
}

void FolioAudit::check_mapcount(Pfn head, const PageRecord& record, const Holders& holders,
                                AuditSink& sink) {
  const bool counts_pins = box_.scheme().scheme().place == CountPlace::kMapcount;
  for (std::uint64_t i = 0; i < 1ULL << record.order; ++i) {
    const auto found = static_cast<std::uint32_t>(box_.memmap().page(head + i).mapcount_raw());
    auto expected = static_cast<std::uint32_t>(scratch_.page(head + i).mapcount_raw());
    if (i == 0 && counts_pins) expected += static_cast<std::uint32_t>(holders.pins);
    if (found != expected)
      sink.add(Invariant::kMapcountAccounted, AuditPlace::page(head + i), "_mapcount", expected,
               found, [&] {
                 return of(i == 0 ? record.mapcount : 0, "mappings") +
                        (i == 0 && counts_pins ? ", " + of(holders.pins, "pins") : std::string());
               });
  }
}

void FolioAudit::check_flags(Pfn head, const PageRecord& record, const Holders& holders,
                             AuditSink& sink) {
  const Shape& shape = box_.memmap().shape();
  const Pins& scheme = box_.scheme();
  const std::int8_t lru_bit = shape.flag_bit[static_cast<unsigned>(Flag::kLru)];
  const std::uint64_t lru = lru_bit < 0 ? 0 : std::uint64_t{1} << lru_bit;
  const bool sticks = scheme.sticks(head);
  // What a scheme writes over somebody's flag is found like any other damage.
  const std::uint64_t flag = scheme.scheme().pinned.word == 0 ? scheme.frame().pinned : 0;
  const std::uint64_t pinned = flag & spare_flags_;
  // Of the rest of a count and its states check_pins() knows what they must be.
  const std::uint64_t beside = scheme.own_flags() & ~flag & spare_flags_;
  const std::uint64_t low = low_flags_of(shape) | pinned;

  for (std::uint64_t i = 0; i < 1ULL << record.order; ++i) {
    const Pfn pfn = head + i;
    const std::uint64_t kept = i == 0 ? ~beside : ~std::uint64_t{0};
    const std::uint64_t found = box_.memmap().page(pfn).flags() & kept;
    std::uint64_t expected = scratch_.page(pfn).flags() & ~pinned & kept;
    if (i == 0) {
      const bool held_off =
          holders.isolations != 0 || (scheme.scheme().isolates() && (holders.pins != 0 || sticks));
      if (record.on_lru && !held_off) expected |= lru;
      if (holders.pins != 0 || sticks) expected |= pinned;
    }
    const std::uint64_t wrong = expected ^ found;
    if ((wrong & lru) != 0)
      sink.add(Invariant::kLruMembership, AuditPlace::page(pfn), "lru", (expected & lru) != 0,
               (found & lru) != 0, [&] {
                 return std::string(record.on_lru && i == 0 ? "set up to be on a list"
                                                            : "not for a list") +
                        ", " + of(holders.isolations, "isolations, ") + of(holders.pins, "pins");
               });
    if ((wrong & low & ~lru) != 0)
      sink.add(Invariant::kFlagsOfType, AuditPlace::page(pfn), "flags", expected & low, found & low,
               [&] {
                 return "as set up: " +
                        std::string(kPageTypeNames[static_cast<unsigned>(record.type)]);
               });
    if ((wrong & ~low) != 0)
      sink.add(Invariant::kZoneAndNode, AuditPlace::page(pfn), "flags", expected & ~low,
               found & ~low, "zone, node and section of the pfn");
  }
}

void FolioAudit::check_fields(Pfn head, const PageRecord& record, AuditSink& sink) {
  const PageType of_head =
      record.order > 0 && record.type == PageType::kAnon ? PageType::kCompoundHead : record.type;
  check_fields_of(head, types(of_head), record, sink);
  for (std::uint64_t i = 1; i < 1ULL << record.order; ++i) {
    // From the third tail on only what all tails share is live.
    check_fields_of(head + i, i == 2 ? types(PageType::kSecondTail) : types(PageType::kTail),
                    record, sink, i > 2 && i == box_.memmap().shape().pincount_tail);
  }
}

void FolioAudit::check_fields_of(Pfn pfn, PageTypeSet types, const PageRecord& record,
                                 AuditSink& sink, bool counts_pins) {
  const Layout& layout = box_.memmap().layout();
  const Shape& shape = box_.memmap().shape();
  const bool pins_in_tail = box_.scheme().scheme().place == CountPlace::kTail;
  for (const Field& field : layout.fields) {
    if ((field.types & types).bits == 0) continue;
    // The count may lie over what only page[1] has there.
    if (counts_pins && !is_of_later_tails(layout, field)) continue;
    switch (field.kind) {
      case FieldKind::kFlags:
      case FieldKind::kListNext:
      case FieldKind::kListPrev:
      case FieldKind::kRefcount: continue;
      case FieldKind::kMapcount:
        if (field.offset_bytes == shape.mapcount) continue;
        break;
      case FieldKind::kPincount:
        if (pins_in_tail || (shape.counter != 0 && field.offset_bytes == shape.counter)) continue;
        break;
      default: break;
    }
    const std::uint64_t expected = read_field(scratch_.page(pfn), field);
    const std::uint64_t found = read_field(box_.memmap().page(pfn), field);
    if (found == expected) continue;
    Invariant broken = Invariant::kFieldsIntact;
    if (types.has(PageType::kTail) || types.has(PageType::kSecondTail))
      broken = Invariant::kCompoundIntact;
    else if (kZoneDeviceTypes.has(record.type) &&
             (field.offset_bytes == shape.pgmap || field.offset_bytes == shape.driver_data))
      broken = Invariant::kPgmapIntact;
    sink.add(broken, AuditPlace::page(pfn), field.name, expected, found, [&] {
      return "as set up: " + std::string(kPageTypeNames[static_cast<unsigned>(record.type)]) +
             ", " + field.meaning;
    });
  }
}

void FolioAudit::check_free(Pfn pfn, AuditSink& sink) {
  const Page page = box_.memmap().page(pfn);
  const Shape& shape = box_.memmap().shape();
  const auto explain = "nobody holds a free page";
  const Holders holders = holders_of(pfn);
  const std::uint64_t handed_out =
      (holders.known ? holders.pins : 0) + holders.refs + holders.isolations;
  if (handed_out != 0)
    sink.add(Invariant::kFreeIsFree, AuditPlace::page(pfn), "ledger", 0, handed_out, explain);
  if (page.refcount() != 0)
    sink.add(Invariant::kFreeIsFree, AuditPlace::page(pfn), "_refcount", 0,
             static_cast<std::uint32_t>(page.refcount()), explain);
  const auto mapcount = static_cast<std::uint32_t>(page.mapcount_raw());
  if (mapcount != ~0U && (shape.buddy_type == 0 || mapcount != shape.buddy_type))
    sink.add(Invariant::kFreeIsFree, AuditPlace::page(pfn), "_mapcount", ~0U, mapcount, explain);
  const std::uint64_t flags = page.flags() & low_flags_of(shape);
  if (flags != 0)
    sink.add(Invariant::kFreeIsFree, AuditPlace::page(pfn), "flags", 0, flags, explain);
  if (const PinCount count = box_.scheme().pins(pfn); count.exact && count.pins != 0)
    sink.add(Invariant::kFreeIsFree, AuditPlace::page(pfn), "pins", 0, count.pins, explain);
}

void FolioAudit::check_never(Pfn pfn, AuditSink& sink) {
  const Page page = box_.memmap().page(pfn);
  const Shape& shape = page.shape();
  for (unsigned i = 0; i < shape.stride_bytes / shape.word_bytes; ++i) {
    if (page.word(i) == 0) continue;
    sink.add(Invariant::kNeverTouched, AuditPlace::page(pfn), "word " + std::to_string(i), 0,
             page.word(i), "the page was never handed out");
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
