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

Errc PageList::add_first_each(std::span<const Page> pages) {
  const Result<Page> first = this->first();
  if (!first) return first.error;
  if (link(first.value, kPrev) != address_) return Errc::kCorrupt;
  for (const Page page : pages)
    if (page == first.value) return Errc::kCorrupt;
  Page next = first.value;
  for (const Page page : pages) {
    set_link(page, kNext, address_of(next));
    // Of the one that has come before in the run; what was there already is linked last.
    if (next != first.value) set_link(next, kPrev, address_of(page));
    next = page;
  }
  set_link(next, kPrev, address_);
  set_link(first.value, kPrev, address_of(pages.front()));
  anchor_.next = address_of(next);
  return Errc::kOk;
}

Errc PageList::add_last(Page page) {
  const Result<Page> prev = last();
  return prev ? insert(page, prev.value, Page{}) : prev.error;
}

std::size_t PageList::remove_run(std::span<const Page> pages) {
  return pages.front().shape().word_bytes == 8 ? remove_words<std::uint64_t>(pages)
                                               : remove_words<std::uint32_t>(pages);
}

/// remove_run(), with words whose width is known, and what the addresses are made of read once: a
/// page that leaves a list touches eight words.
template <class Word>
std::size_t PageList::remove_words(std::span<const Page> pages) {
  const AddressMap& addresses = memmap_.addresses();
  const Shape& shape = pages.front().shape();
  std::byte* const base = memmap_.base();
  // Of the first descriptor's links; those of the others lie `stride` apart.
  const std::uint64_t origin = addresses.of_member(0, words_.next);
  const std::uint64_t stride = shape.stride_bytes, end = memmap_.capacity() * stride;
  const std::uint64_t anchor = address_;
  const auto may_lead_to = [&](std::uint64_t address) {
    const std::uint64_t offset = address - origin;
    if (address == anchor) return true;
    return offset < end && (shape.stride_shift != 0 ? offset & (stride - 1) : offset % stride) == 0;
  };
  const auto word = [&](std::uint64_t address, Link which) {
    return reinterpret_cast<Word*>(base + (address - origin) + offset_of(which));
  };
  const auto look = [&](std::uint64_t address, Link which) -> std::uint64_t {
    return address == anchor ? link({}, which) : atomics::load(word(address, which));
  };
  const auto change = [&](std::uint64_t address, Link which, std::uint64_t to) {
    if (address == anchor)
      set_link({}, which, to);
    else
      atomics::store(word(address, which), static_cast<Word>(to), atomics::kRelease);
  };
  const auto own = [&](std::size_t i) {
    return origin + static_cast<std::uint64_t>(pages[i].at() - base);
  };
  // Those around the run, which begins as its first page.
  const std::uint64_t first = own(0);
  std::uint64_t next = look(first, kNext), prev = look(first, kPrev);
  std::uint64_t front = first, back = first;
  std::size_t run = 1;
  for (; run < pages.size(); ++run) {
    const std::uint64_t page = own(run);
    if (page == prev && look(page, kNext) == front) {
      front = page;
      prev = look(page, kPrev);
    } else if (page == next && look(page, kPrev) == back) {
      back = page;
      next = look(page, kNext);
    } else {
      break;
    }
  }
  if (!may_lead_to(next) || !may_lead_to(prev) || look(next, kPrev) != back ||
      look(prev, kNext) != front)
    return run == 1 ? 0 : remove_words<Word>(pages.first(1));
  change(next, kPrev, prev);
  change(prev, kNext, next);
  for (std::size_t i = 0; i < run; ++i) {
    change(own(i), kNext, addresses.list_poison1());
    change(own(i), kPrev, addresses.list_poison2());
  }
  return run;
}

Result<Page> PageList::after(Page page) const {
  Page next;
  if (!resolve(link(page, kNext), next)) return Errc::kCorrupt;
  return link(next, kPrev) == address_of(page) ? Result<Page>(next) : Errc::kCorrupt;
}

}  // namespace pagebox::inline PAGEBOX_ENV
