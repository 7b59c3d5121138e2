// References, pins and isolation of single pages: bounds first, then the account,
// then the descriptor.
#include <vector>

#include "engine/box/box.h"

namespace pagebox::inline PAGEBOX_ENV {

Errc Box::check_type(Pfn pfn) const {
  const auto type = type_of(pfn);
  if (!type) return type.error;
  // A free page is refused as one, or made an anonymous one.
  const PageType asked = type.value == PageType::kFree ? PageType::kAnon : type.value;
  return settings_.scheme.types.has(asked) ? Errc::kOk : Errc::kRefused;
}

Result<Pfn> Box::try_get_folio(Pfn pfn, std::uint32_t n) {
  for (;;) {
    const auto head = head_of(pfn);
    if (!head) return head.error;
    const Page page = memmap().page(head.value);
    if (memmap().quirks().has(Quirk::kGetUnchecked) && page.refcount() != 0) {
      page.ref_add(static_cast<std::int32_t>(n));
      return head.value;
    }
    if (!page.try_ref_add_up_to(n, scheme().most_refs())) {
      const std::int32_t count = page.refcount();
      if (count < 0) return Errc::kNoMem;
      if (count > 0) return Errc::kPinLimit;
      if (try_populate(pfn)) continue;
      return Errc::kAgain;
    }
    // Rule 2 of page.h: it may have become another folio's page meanwhile.
    const auto now = head_of(pfn);
    if (now && now.value == head.value) return head.value;
    drop_folio(head.value, n);
  }
}

void Box::drop_folio(Pfn head, std::uint32_t n) {
  const auto refs = static_cast<std::int32_t>(n);
  if (memmap().page(head).ref_sub(refs) == refs) free_page(head);
}

Errc Box::get(Pfn pfn, std::uint32_t n) {
  if (const Errc error = check(pfn, n); error != Errc::kOk) return error;
  const auto head = try_get_folio(pfn, n);
  if (!head) return head.error;
  if (counts_refs()) accounts_.add_refs(head.value, n);
  return Errc::kOk;
}

Errc Box::put(Pfn pfn, std::uint32_t n) {
  if (const Errc error = check(pfn, n); error != Errc::kOk) return error;
  const auto head = head_of(pfn);
  if (!head) return head.error;
  const bool held =
      counts_refs() ? accounts_.try_sub_refs(head.value, n) : memmap().page(head.value).has_refs(n);
  if (!held) return Errc::kNotReferenced;
  drop_folio(head.value, n);
  return Errc::kOk;
}

/// After an unpin that was the last reference, or that was refused.
Errc Box::end_unpin(Pfn pfn, Result<bool> last) {
  // Nobody else frees it: the head can be asked for afterwards, which most unpins need not.
  const auto head = head_of(pfn);
  if (!last) return head ? last.error : head.error;
  if (head) free_page(head.value);
  return Errc::kOk;
}

BatchResult Box::check(const PinBatch& batch) const {
  const auto failed = [](std::size_t index, Errc error) {
    return BatchResult{.failed = 1, .first_failed = index, .first_error = error};
  };
  const std::uint64_t limit = pfn_limit();
  for (std::size_t i = 0; i < batch.pfns.size(); ++i)
    if (batch.pfns[i] >= limit) return failed(i, Errc::kRange);
  for (std::size_t i = 0; i < batch.counts.size(); ++i)
    if (batch.counts[i] == 0 || batch.counts[i] > kRefcountMax) return failed(i, Errc::kInval);
  return {};
}

BatchResult Box::pin_many(const PinBatch& batch, unsigned shard) {
  if (const BatchResult bad = check(batch); bad.failed != 0) return bad;
  if (asks_type_)
    for (std::size_t i = 0; i < batch.pfns.size(); ++i) {
      const Errc error = check_type(Pfn{batch.pfns[i]});
      if (error == Errc::kOk) continue;
      if (!batch.errors.empty()) return pin_typed(batch, shard);
      return {.failed = 1, .first_failed = i, .first_error = error};
    }
  if (!batch.errors.empty())
    return scheme().try_pin_each(batch.pfns, shard, batch.counts, batch.errors);
  std::vector<std::uint32_t> freed(batch.pfns.size());
  const BatchResult result = scheme().try_pin_all(batch.pfns, shard, freed, batch.counts);
  for (std::size_t i = 0; i < result.freed; ++i) free_page(Pfn{freed[i]});
  return result;
}

/// Some of them are of a type that the scheme leaves out.
BatchResult Box::pin_typed(const PinBatch& batch, unsigned shard) {
  BatchResult result;
  for (std::size_t i = 0; i < batch.pfns.size(); ++i) {
    const Errc error = pin(Pfn{batch.pfns[i]}, batch.count(i), shard);
    batch.errors[i] = static_cast<std::int32_t>(error);
    ++(error == Errc::kOk ? result.done : result.failed);
  }
  return result;
}

BatchResult Box::unpin_many(const PinBatch& batch, unsigned shard) {
  if (const BatchResult bad = check(batch); bad.failed != 0) return bad;
  std::vector<std::uint32_t> freed(batch.pfns.size());
  const BatchResult result =
      batch.errors.empty()
          ? scheme().unpin_all(batch.pfns, shard, freed, batch.counts)
          : scheme().unpin_each(batch.pfns, shard, freed, batch.counts, batch.errors);
  for (std::size_t i = 0; i < result.freed; ++i) free_page(Pfn{freed[i]});
  return result;
}

Result<bool> Box::maybe_pinned(Pfn pfn) const {
  const auto head = head_of(pfn);
  if (!head) return head.error;
  return scheme().maybe_pinned(pfn);
}

Result<PinCount> Box::pins(Pfn pfn) const {
  const auto head = head_of(pfn);
  if (!head) return head.error;
  return scheme().pins(pfn);
}

Result<bool> Box::isolate(Pfn pfn) {
  if (const Errc error = check(pfn, 1); error != Errc::kOk) return error;
  const auto head = try_get_folio(pfn, 1);
  if (!head) return head.error;
  const auto taken = scheme().isolate(pfn);
  if (taken && taken.value) {
    accounts_.try_set_isolated(head.value, true);
    return true;
  }
  drop_folio(head.value, 1);
  return taken;
}

Errc Box::putback(Pfn pfn) {
  const auto head = head_of(pfn);
  if (!head) return head.error;
  // Kept without a ledger too: a page linked twice would tie the list into a knot.
  if (!accounts_.try_set_isolated(head.value, false)) return Errc::kInval;
  if (const Errc error = scheme().putback(pfn); error != Errc::kOk) {
    accounts_.try_set_isolated(head.value, true);
    return error;
  }
  drop_folio(head.value, 1);
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
