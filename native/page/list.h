// Doubly linked lists threaded through two words of descriptors: the
// kernel's list_head, with sandbox addresses for pointers. Nothing is followed
// that does not resolve to a page below `pages` or to the list's own anchor, and
// a link is believed only if the neighbour points back (as CONFIG_DEBUG_LIST).
//
// Whoever changes a list holds the lock that its owner names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/errc.h"
#include "base/plain.h"
#include "page/memmap.h"

namespace pagebox::inline PAGEBOX_ENV {

/// The head of a list: two words that no descriptor holds, at an address that
/// descriptors name.
struct ListAnchor {
  Plain<std::uint64_t> next, prev;
};

/// Indexes of ObjectKind::kLruAnchor.
constexpr std::uint64_t lru_anchor_index(unsigned zone, unsigned kind) { return zone * 16U + kind; }
constexpr std::uint64_t free_anchor_index(unsigned order) { return 0x1000U + order; }

/// One list of a memmap; cheap to make, holds nothing of its own.
class PageList {
 public:
  PageList(const Memmap& memmap, ListAnchor& anchor, std::uint64_t anchor_index, ListWords words)
      : memmap_(memmap),
        anchor_(anchor),
        words_(words),
        address_(memmap.addresses().of_object(ObjectKind::kLruAnchor, anchor_index)) {}

  std::uint64_t address() const { return address_; }
  void init() {
    anchor_.next = address_;
    anchor_.prev = address_;
  }
  bool empty() const { return anchor_.next == address_; }

  /// kCorrupt: the first page does not point back, or the anchor names no page;
  /// nothing is changed.
  Errc add_first(Page page);
  Errc add_last(Page page);
  /// As add_first() of one after the other, none of which is on a list: what lies there
  /// already is looked at once.
  Errc add_first_each(std::span<const Page> pages);
  /// Leaves list poison. kCorrupt: the links are not this list's; nothing is changed.
  Errc remove(Page page) {
    return remove_run(std::span(&page, 1)) != 0 ? Errc::kOk : Errc::kCorrupt;
  }
  /// remove() of the first of them, and of those behind it as far as each lies next to the last
  /// one: what lies around them is touched once. How many; 0: kCorrupt.
  std::size_t remove_run(std::span<const Page> pages);
  /// List poison, as remove() leaves it, in a page that is on no list.
  void poison(Page page) {
    set_link(page, kNext, memmap_.addresses().list_poison1());
    set_link(page, kPrev, memmap_.addresses().list_poison2());
  }
  /// First page after `page`, or of the list; an empty page at its end.
  Result<Page> after(Page page) const;
  Result<Page> first() const { return page_at(anchor_.next); }
  Result<Page> last() const { return page_at(anchor_.prev); }

 private:
  enum Link { kNext, kPrev };
  std::uint16_t offset_of(Link which) const { return which == kNext ? words_.next : words_.prev; }
  /// False: nothing that a link may name. An empty page: the anchor.
  bool resolve(std::uint64_t address, Page& out) const {
    if (address == address_) {
      out = Page();
      return true;
    }
    const Shape& shape = memmap_.shape();
    const auto offset = memmap_.addresses().offset_of_member(
        address, words_.next, memmap_.capacity() * shape.stride_bytes);
    if (!offset) return false;
    out = {memmap_.base() + *offset, &shape};
    return true;
  }
  Result<Page> page_at(std::uint64_t address) const {
    Page page;
    return resolve(address, page) ? Result<Page>(page) : Errc::kCorrupt;
  }
  std::uint64_t link(Page page, Link which) const {
    return page ? page.word_at(offset_of(which))
                : (which == kNext ? anchor_.next : anchor_.prev).get();
  }
  void set_link(Page page, Link which, std::uint64_t address) {
    if (page)
      page.set_word_at(offset_of(which), address);
    else
      (which == kNext ? anchor_.next : anchor_.prev) = address;
  }
  std::uint64_t address_of(Page page) const {
    return page ? memmap_.addresses().of_member(
                      static_cast<std::uint64_t>(page.at() - memmap_.base()), words_.next)
                : address_;
  }
  Errc insert(Page page, Page prev, Page next);
  template <class Word>
  std::size_t remove_words(std::span<const Page> pages);

  const Memmap& memmap_;
  ListAnchor& anchor_;
  ListWords words_;
  std::uint64_t address_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
