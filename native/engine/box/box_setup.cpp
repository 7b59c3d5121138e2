// What a page is: set up as the caller wishes, populated by a first pin, given
// back. Boxes without a machine place pages by pfn; with one, the allocator hands
// them out.
#include "engine/box/box.h"

#include "engine/box/box_machine.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

Pfn end_of(Pfn head, const PageRecord& record) { return head + (std::uint64_t{1} << record.order); }

bool lives(const PageRecord& record) {
  return record.state == PageState::kInUse || record.state == PageState::kReleased;
}

/// Word n is, or has in it, `_mapcount` or `_refcount`.
bool holds_counts(const Shape& shape, unsigned n) {
  const unsigned first = shape.word(n), end = first + shape.word_bytes;
  return (shape.mapcount >= first && shape.mapcount < end) ||
         (shape.refcount >= first && shape.refcount < end);
}

/// Takes the mappings back that setup_page() counted.
void unmap(const Memmap& memmap, Pfn head, const PageRecord& record) {
  if (record.mapcount == 0) return;
  if (record.order == 0) {
    memmap.page(head).mapcount_raw_add(-static_cast<std::int32_t>(record.mapcount));
    return;
  }
  const Shape& shape = memmap.shape();
  const Page tail = memmap.page(head + 1);
  for (const std::uint16_t count : {shape.entire_mapcount, shape.large_mapcount})
    if (count != 0) atomics::fetch_sub(tail.u32(count), record.mapcount);
  if (shape.nr_pages_mapped != 0)
    atomics::fetch_sub(tail.u32(shape.nr_pages_mapped), kEntirelyMapped);
}

/// The bits of page->flags that every page of a zone has.
std::uint64_t zone_and_node(const Shape& shape, std::uint64_t flags) {
  const auto mask = [](unsigned shift, unsigned bits) {
    return bits == 0 ? 0 : ((std::uint64_t{1} << bits) - 1) << shift;
  };
  return flags &
         (mask(shape.zone_shift, shape.zone_bits) | mask(shape.node_shift, shape.node_bits));
}

}  // namespace

bool Box::try_populate(Pfn pfn) {
  if (!settings_.populate_anon || machine_ != nullptr || pfn.value >= settings_.pages) return false;
  Guard guard(setup_lock_);
  // Another thread may have done it; a tail or a freed page never was to be populated.
  if (!memmap().is_untouched(pfn)) return memmap().page(pfn).refcount() > 0;
  allocator().init_page(pfn);
  PageRecord record;
  record.state = PageState::kInUse;
  record.type = PageType::kAnon;
  record.populated = true;
  record.own_refs = 1;
  accounts_.set_record(pfn, record);
  return true;
}

Errc Box::place(Pfn pfn, const PageSetup& setup) {
  if (const Errc error = setup_page(memmap(), zone(), pfn, setup); error != Errc::kOk) return error;
  // Not from the descriptor: whoever met the page in the meantime may hold it, or have isolated it.
  PageRecord record;
  record.state = PageState::kInUse;
  record.type = setup.type;
  record.order = static_cast<std::uint8_t>(setup.order);
  record.on_lru = setup.on_lru && kLruTypes.has(setup.type);
  record.mapcount = kMappedTypes.has(setup.type) ? setup.mapcount : 0;
  record.own_refs = static_cast<std::uint32_t>(own_references(memmap().shape(), setup));
  accounts_.set_record(pfn, record);
  return Errc::kOk;
}

Errc Box::setup(Pfn pfn, const PageSetup& setup) {
  if (!may_place(pfn, std::uint64_t{1} << (setup.order > kMaxOrder ? 0 : setup.order)))
    return Errc::kOpNotSupp;
  if (setup.type == PageType::kFree) return release(pfn);
  if (setup.type == PageType::kTail || setup.type == PageType::kSecondTail ||
      setup.order > kMaxOrder)
    return Errc::kInval;
  const std::uint64_t pages = std::uint64_t{1} << setup.order;
  if (pfn.value >= memmap().capacity() || pages > memmap().capacity() - pfn.value)
    return Errc::kRange;
  if (pfn.value % pages != 0) return Errc::kInval;
  if (!memmap().layout().types.has(setup.type)) return Errc::kRefused;

  Guard guard(setup_lock_);
  const Pfn end = pfn + pages;
  if (const Errc error = freeze_range(pfn, end); error != Errc::kOk) return error;
  for (Pfn at = pfn; at < end; at = at + 1) accounts_.set_record(at, PageRecord{});
  return place(pfn, setup);
}

Errc Box::setup_range(Pfn first, std::uint64_t pages, const PageSetup& setup) {
  const std::uint64_t step = std::uint64_t{1} << (setup.order > kMaxOrder ? 0 : setup.order);
  if (first.value > memmap().capacity() || pages > memmap().capacity() - first.value)
    return Errc::kRange;
  if (pages % step != 0) return Errc::kInval;
  for (std::uint64_t i = 0; i < pages; i += step)
    if (const Errc error = this->setup(first + i, setup); error != Errc::kOk) return error;
  return Errc::kOk;
}

bool Box::is_held(Pfn head, const PageRecord& record) const {
  return record.state == PageState::kReleased || accounts_.refs(head) != 0 ||
         accounts_.isolated(head) || (ledger_ != nullptr && ledger_->pins(head) != 0);
}

/// Takes the last references of every folio in the range away at once, or of none.
Errc Box::freeze_range(Pfn first, Pfn end) {
  for (Pfn at = first; at < end;) {
    const auto head = head_of(at);
    const PageRecord record = accounts_.record(head ? head.value : at);
    Errc error = head ? Errc::kOk : head.error;
    if (error == Errc::kOk && lives(record)) {
      const bool inside = head.value >= first && end_of(head.value, record) <= end;
      if (!inside || is_held(head.value, record) ||
          !memmap().page(head.value).try_freeze(static_cast<std::int32_t>(record.own_refs)))
        error = Errc::kBusy;
    }
    if (error != Errc::kOk) {
      unfreeze_range(first, at);
      return error;
    }
    at = lives(record) ? end_of(head.value, record) : at + 1;
  }
  return Errc::kOk;
}

void Box::unfreeze_range(Pfn first, Pfn end) {
  for (Pfn at = first; at < end;) {
    const PageRecord record = accounts_.record(at);
    if (lives(record)) memmap().page(at).unfreeze(static_cast<std::int32_t>(record.own_refs));
    at = lives(record) ? end_of(at, record) : at + 1;
  }
}

Errc Box::release(Pfn pfn) {
  const auto head = head_of(pfn);
  if (!head) return head.error;
  PageRecord record;
  {
    Guard guard(setup_lock_);
    record = accounts_.record(head.value);
    if (record.state != PageState::kInUse) return Errc::kAgain;
    if (kZoneDeviceTypes.has(record.type)) return Errc::kRefused;
    PageRecord released = record;
    released.state = PageState::kReleased;
    released.own_refs = 0;
    released.mapcount = 0;
    // Before the descriptor: a query in between then takes a mapping for a pin, and
    // never a pin for a mapping.
    accounts_.set_record(head.value, released);
  }
  unmap(memmap(), head.value, record);
  if (record.own_refs != 0) drop_folio(head.value, record.own_refs);
  return Errc::kOk;
}

void Box::free_page(Pfn head) {
  PageRecord record = accounts_.record(head);
  const Page page = memmap().page(head);
  if (record.state == PageState::kNever && machine_ != nullptr) return machine_->free_folio(head);
  // As __page_cache_release: nobody else can reach the page any more.
  if (page.test(Flag::kLru)) (void)zone().isolate(page);
  record.state = PageState::kFree;
  record.on_lru = false;
  if (record.order > 0) destroy_compound(memmap(), head);
  const Shape& shape = memmap().shape();
  for (Pfn at = head; at < end_of(head, record); at = at + 1) {
    const Page freed = memmap().page(at);
    freed.set_flags(zone_and_node(shape, freed.flags()));
    for (unsigned i = 1; i < shape.stride_bytes / shape.word_bytes; ++i)
      if (!holds_counts(shape, i)) freed.set_word(i, 0);
    PageRecord single = record;
    single.type = PageType::kFree;
    single.order = 0;
    accounts_.set_record(at, single);
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
