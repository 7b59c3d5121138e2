#include "page/list.h"

namespace pagebox::inline PAGEBOX_ENV {

Errc PageList::insert(Page page, Page prev, Page next) {
  const std::uint64_t own = address_of(page), before = address_of(prev), after = address_of(next);
  const std::uint64_t had_next = link(prev, kNext), had_prev = link(next, kPrev);
  if (had_next != after || had_prev != before) return Errc::kCorrupt;
  if (had_next == own || had_prev == own) return Errc::kCorrupt;
  set_link(page, kNext, after);
  set_link(page, kPrev, before);
  set_link(next, kPrev, own);
  set_link(prev, kNext, own);
  return Errc::kOk;
}

Errc PageList::add_first(Page page) {
  const Result<Page> next = first();
  return next ? insert(page, Page{}, next.value) : next.error;
}

Errc PageList::add_last(Page page) {
  const Result<Page> prev = last();
  return prev ? insert(page, prev.value, Page{}) : prev.error;
}

Errc PageList::remove(Page page) {
  const std::uint64_t own = address_of(page);
  const std::uint64_t after = link(page, kNext), before = link(page, kPrev);
  Page next, prev;
  if (!resolve(after, next) || !resolve(before, prev)) return Errc::kCorrupt;
  if (link(next, kPrev) != own || link(prev, kNext) != own) return Errc::kCorrupt;
  set_link(next, kPrev, before);
  set_link(prev, kNext, after);
  set_link(page, kNext, memmap_.addresses().list_poison1());
  set_link(page, kPrev, memmap_.addresses().list_poison2());
  return Errc::kOk;
}

Result<Page> PageList::after(Page page) const {
  Page next;
  if (!resolve(link(page, kNext), next)) return Errc::kCorrupt;
  return link(next, kPrev) == address_of(page) ? Result<Page>(next) : Errc::kCorrupt;
}

}  // namespace pagebox::inline PAGEBOX_ENV
