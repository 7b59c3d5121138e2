#include "mm/huge/deferred_split.h"

#include "mm/folio_state.h"
#include "mm/huge/large_folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kAnchorIndex = 0x2000;  // of ObjectKind::kLruAnchor
constexpr unsigned kTail = 2;                   // the page that holds the link

std::size_t prev_of(const Shape& shape) {
  return std::size_t{shape.deferred_list} + shape.word_bytes;
}

}  // namespace

DeferredSplit::DeferredSplit(Memmap& memmap)
    : memmap_(memmap),
      anchor_address_(memmap.addresses().of_object(ObjectKind::kLruAnchor, kAnchorIndex)) {
  anchor_.next = anchor_address_;
  anchor_.prev = anchor_address_;
}

std::uint64_t DeferredSplit::address_of(Page folio) const {
  return memmap_.addresses().of_page(memmap_.pfn_of(folio) + kTail) + memmap_.shape().deferred_list;
}

Page DeferredSplit::second_tail(std::uint64_t at) const {
  const auto pfn =
      memmap_.addresses().page_at(at - memmap_.shape().deferred_list, memmap_.capacity());
  return pfn ? memmap_.page(*pfn) : Page();
}

std::uint64_t DeferredSplit::next(std::uint64_t at) const {
  if (at == anchor_address_) return anchor_.next;
  const Page tail = second_tail(at);
  return tail ? tail.word_at(memmap_.shape().deferred_list) : 0;
}

std::uint64_t DeferredSplit::prev(std::uint64_t at) const {
  if (at == anchor_address_) return anchor_.prev;
  const Page tail = second_tail(at);
  return tail ? tail.word_at(prev_of(memmap_.shape())) : 0;
}

void DeferredSplit::set_next(std::uint64_t at, std::uint64_t value) {
  if (at == anchor_address_)
    anchor_.next = value;
  else if (const Page tail = second_tail(at))
    tail.set_word_at(memmap_.shape().deferred_list, value);
}

void DeferredSplit::set_prev(std::uint64_t at, std::uint64_t value) {
  if (at == anchor_address_)
    anchor_.prev = value;
  else if (const Page tail = second_tail(at))
    tail.set_word_at(prev_of(memmap_.shape()), value);
}

void DeferredSplit::add(Page folio, bool partially_mapped) {
  if (memmap_.shape().deferred_list == 0 || folio_test_swapcache(folio)) return;
  Guard guard(lock_);
  if (partially_mapped) folio_page(folio, 1).set(kFlagPartiallyMapped);
  const std::uint64_t self = address_of(folio);
  if (next(self) != self) return;
  const std::uint64_t last = anchor_.prev;
  if (next(last) != anchor_address_) return;  // a link that cannot be trusted
  set_prev(self, last);
  set_next(self, anchor_address_);
  set_next(last, self);
  anchor_.prev = self;
  length_ += 1;
}

void DeferredSplit::remove_locked(Page folio) {
  folio_page(folio, 1).clear(kFlagPartiallyMapped);
  const std::uint64_t self = address_of(folio), after = next(self), before = prev(self);
  if (after == self || prev(after) != self || next(before) != self) return;
  set_next(before, after);
  set_prev(after, before);
  set_next(self, self);
  set_prev(self, self);
  length_ -= 1;
}

void DeferredSplit::remove(Page folio) {
  if (memmap_.shape().deferred_list == 0) return;
  Guard guard(lock_);
  remove_locked(folio);
}

bool DeferredSplit::freeze_and_remove(Page folio, std::int32_t expected) {
  Guard guard(lock_);
  if (!folio.try_freeze(expected)) return false;
  if (memmap_.shape().deferred_list != 0) remove_locked(folio);
  return true;
}

std::uint64_t DeferredSplit::length() const {
  Guard guard(lock_);
  return length_;
}

Errc DeferredSplit::heads(std::vector<Pfn>& out) const {
  Guard guard(lock_);
  std::uint64_t left = length_;
  for (std::uint64_t at = anchor_.next; at != anchor_address_; at = next(at)) {
    const Page tail = second_tail(at);
    if (!tail || left-- == 0 || memmap_.pfn_of(tail).value < kTail) return Errc::kCorrupt;
    out.push_back({memmap_.pfn_of(tail).value - kTail});
  }
  return left == 0 ? Errc::kOk : Errc::kCorrupt;
}

}  // namespace pagebox::inline PAGEBOX_ENV
