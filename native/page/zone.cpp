#include "page/zone.h"
#include "base/fault.h"

#include <algorithm>
#include <bit>

namespace pagebox::inline PAGEBOX_ENV {

Zone::Zone(Memmap& memmap, unsigned index) : memmap_(memmap), index_(index) { reset(); }

LruKind Zone::kind_of(Page page) {
  const std::uint64_t flags = page.flags();
  const auto has = [&](Flag flag) { return (flags & page.mask_of(flag)) != 0; };
  if (has(Flag::kUnevictable)) return LruKind::kUnevictable;
  if (has(Flag::kSwapBacked))
    return has(Flag::kActive) ? LruKind::kActiveAnon : LruKind::kInactiveAnon;
  return has(Flag::kActive) ? LruKind::kActiveFile : LruKind::kInactiveFile;
}

Errc Zone::link(Page page, LruKind kind, Errc (PageList::*where)(Page)) {
  if (page.test(Flag::kLru)) return Errc::kCorrupt;
  PageList to = list(kind);
  if (const Errc error = (to.*where)(page); error != Errc::kOk) return error;
  of(kind).length += 1;
  page.set(Flag::kLru);
  return Errc::kOk;
}

Errc Zone::add(Page page, LruKind kind) { return link(page, kind, &PageList::add_first); }
Errc Zone::add_tail(Page page, LruKind kind) { return link(page, kind, &PageList::add_last); }

Errc Zone::add_each(std::span<Page> pages, LruKind kind) {
  if (pages.size() == 1) return add(pages.front(), kind);
  std::size_t fresh = 0;
  for (const Page page : pages)
    if (!page.test_and_set(Flag::kLru)) pages[fresh++] = page;
  if (fresh == 0) return Errc::kCorrupt;
  PageList to = list(kind);
  if (const Errc error = to.add_first_each(pages.first(fresh)); error != Errc::kOk) {
    for (const Page page : pages.first(fresh)) page.clear(Flag::kLru);
    return error;
  }
  of(kind).length += fresh;
  return fresh == pages.size() ? Errc::kOk : Errc::kCorrupt;
}

Errc Zone::remove(Page page) {
  const LruKind kind = kind_of(page);
  if (!page.test(Flag::kLru) || length(kind) == 0) return Errc::kCorrupt;
  if (const Errc error = list(kind).remove(page); error != Errc::kOk) return error;
  if (!planted(Mistake::kLruLengthKept)) of(kind).length -= 1;
  page.clear(Flag::kLru);
  return Errc::kOk;
}

std::size_t Zone::Removals::unlink(std::span<const Page> pages, LruKind kind) {
  const auto i = static_cast<unsigned>(kind);
  if ((known_ & 1U << i) == 0) lengths_[i] = zone_.lists_[i].length;
  known_ |= 1U << i;
  if (lengths_[i] == 0) return 0;
  const std::size_t gone =
      zone_.list(kind).remove_run(pages.first(std::min(pages.size(), lengths_[i])));
  if (!planted(Mistake::kLruLengthKept)) lengths_[i] -= gone;
  return gone;
}

std::size_t Zone::Removals::same_list(std::span<const Page> pages) {
  const LruKind kind = kind_of(pages.front());
  std::size_t same = 0;
  while (same < pages.size() && pages[same].test(Flag::kLru) && kind_of(pages[same]) == kind)
    ++same;
  return same;
}

Errc Zone::Removals::remove(Page page) {
  return remove_each(std::span(&page, 1)) == 1 ? Errc::kOk : Errc::kCorrupt;
}

std::size_t Zone::Removals::remove_each(std::span<const Page> pages) {
  std::span<const Page> rest = pages;
  for (std::size_t same = 0; !rest.empty();) {
    if (same == 0) same = same_list(rest);
    const std::size_t gone = same == 0 ? 0 : unlink(rest.first(same), kind_of(rest.front()));
    if (gone == 0) break;
    for (const Page page : rest.first(gone)) page.clear(Flag::kLru);
    rest = rest.subspan(gone);
    same -= gone;
  }
  return pages.size() - rest.size();
}

void Zone::Removals::remove_dead(std::span<const Page> pages) {
  for (std::size_t same = 0; !pages.empty();) {
    if (same == 0) same = same_list(pages);
    const std::size_t gone = same == 0 ? 0 : unlink(pages.first(same), kind_of(pages.front()));
    // One that cannot be taken off stays where it is.
    const std::size_t seen = std::max<std::size_t>(gone, 1);
    pages = pages.subspan(seen);
    same -= std::min(same, seen);
  }
}

void Zone::Removals::settle() {
  for (; known_ != 0; known_ &= known_ - 1) {
    const auto kind = static_cast<unsigned>(std::countr_zero(known_));
    zone_.lists_[kind].length = lengths_[kind];
  }
}

Result<bool> Zone::isolate(Page page) {
  const Guard guard(lru_lock_);
  if (!page.test(Flag::kLru)) return false;
  if (const Errc error = remove(page); error != Errc::kOk) return error;
  return true;
}

Errc Zone::putback(Page page) {
  const Guard guard(lru_lock_);
  return add(page, kind_of(page));
}

void Zone::reset() {
  for (unsigned kind = 0; kind < kLruKinds; ++kind) {
    list(static_cast<LruKind>(kind)).init();
    lists_[kind].length = 0;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
