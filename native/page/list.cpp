#include "page/list.h"

namespace pagebox::inline PAGEBOX_ENV {

Result<Page> PageList::resolve(std::uint64_t address) const {
  if (address == address_) return Page{};
  const auto pfn = memmap_.addresses().page_of_lru(address, memmap_.capacity());
  if (!pfn) return Errc::kCorrupt;
  return memmap_.page(*pfn);
}

void PageList::set_link(Page page, unsigned which, std::uint64_t address) {
  if (page)
    page.set_word(which, address);
  else if (which == kNext)
    anchor_.next = address;
  else
    anchor_.prev = address;
}

Errc PageList::insert(Page page, Page prev, Page next) {
  if (link(prev, kNext) != address_of(next) || link(next, kPrev) != address_of(prev))
    return Errc::kCorrupt;
  const std::uint64_t own = address_of(page);
  if (link(prev, kNext) == own || link(next, kPrev) == own) return Errc::kCorrupt;
  page.set_word(kNext, address_of(next));
  page.set_word(kPrev, address_of(prev));
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
  const Result<Page> next = resolve(page.word(kNext));
  const Result<Page> prev = resolve(page.word(kPrev));
  if (!next || !prev) return Errc::kCorrupt;
  const std::uint64_t own = address_of(page);
  if (link(next.value, kPrev) != own || link(prev.value, kNext) != own) return Errc::kCorrupt;
  set_link(next.value, kPrev, address_of(prev.value));
  set_link(prev.value, kNext, address_of(next.value));
  page.set_word(kNext, memmap_.addresses().list_poison1());
  page.set_word(kPrev, memmap_.addresses().list_poison2());
  return Errc::kOk;
}

Result<Page> PageList::after(Page page) const {
  const Result<Page> next = resolve(page.word(kNext));
  if (!next) return next.error;
  return link(next.value, kPrev) == address_of(page) ? next : Result<Page>(Errc::kCorrupt);
}

}  // namespace pagebox::inline PAGEBOX_ENV
