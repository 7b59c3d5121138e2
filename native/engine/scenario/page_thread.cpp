#include "engine/scenario/page_thread.h"

#include <algorithm>

namespace pagebox::inline PAGEBOX_ENV {

namespace {

constexpr std::size_t kFirstHeld = 4;

/// Leaves nothing behind: equal books are equal memory.
template <class Book>
void drop_back(Book& book) {
  book.back() = {};
  book.pop_back();
}

}  // namespace

void OpTally::fail(Errc error, std::uint64_t count) {
  for (OpFailure& failure : failures) {
    if (failure.error == error) {
      failure.count += count;
      return;
    }
  }
  failures.push_back({error, count});
}

void OpTally::merge(const OpTally& other) {
  ops += other.ops;
  retries += other.retries;
  for (const OpFailure& failure : other.failures) fail(failure.error, failure.count);
}

PageThread::PageThread(Box& box, unsigned shard, bool keeps_book, Pages pages, std::uint64_t seed)
    : box_(box),
      kernel_(box.scheme().kernel()),
      streams_(stream_kernel_of(box.scheme().scheme(), box.memmap().shape().word_bytes)),
      frame_(box.scheme().frame()),
      shard_(shard),
      keeps_book_(keeps_book),
      pages_(pages),
      rng_(Rng::stream(seed, shard)) {
  // So where books lie does not depend on who takes something first.
  for (Book* book : {&pins_, &refs_, &isolated_}) book->reserve(kFirstHeld);
  if (pages == Pages::kStay) (void)kept();  // a mix's
}

// Holdings name heads: whoever holds a page keeps its folio together.
Pfn PageThread::head_of(Pfn pfn) const {
  const auto head = box_.head_of(pfn);
  return head ? head.value : pfn;
}

/// More than `_refcount` can hold at once.
Errc PageThread::check_pins(Pfn pfn, std::uint32_t n) const {
  if (const Errc error = box_.check(pfn, n); error != Errc::kOk || n == 1) return error;
  const auto each =
      static_cast<std::uint32_t>(box_.scheme().refs_per_pin(box_.memmap().page(head_of(pfn))));
  return n > kRefcountMax / each ? Errc::kPinLimit : Errc::kOk;
}

Result<Pfn> PageThread::any_of(const Book& book) {
  if (book.empty()) return Errc::kNoEnt;
  return book[rng_.below(book.size())].head;
}

void PageThread::note(Book& book, Pfn head, std::uint32_t n) {
  if (!book.empty() && book.back().head == head && book.back().n <= kRefcountMax - n)
    book.back().n += n;
  else
    book.push_back({head, n});
}

/// The youngest first: what was taken last is mostly what is given back.
bool PageThread::take(Book& book, Pfn head, std::uint32_t n) {
  std::uint64_t held = 0;
  for (const Held& each : book) held += each.head == head ? each.n : 0;
  if (held < n) return false;
  for (std::size_t i = book.size(); n != 0 && i-- > 0;) {
    if (book[i].head != head) continue;
    const std::uint32_t taken = std::min(n, book[i].n);
    n -= taken;
    book[i].n -= taken;
    if (book[i].n != 0) continue;
    std::move(book.begin() + static_cast<std::ptrdiff_t>(i) + 1, book.end(),
              book.begin() + static_cast<std::ptrdiff_t>(i));
    drop_back(book);
  }
  return true;
}

/// Any one, so that pages are not released in the order in which they were taken.
PageThread::Held PageThread::take_any(Book& book) {
  const std::size_t at = rng_.below(book.size());
  std::swap(book[at], book.back());
  const Held held = book.back();
  drop_back(book);
  return held;
}

// `pfn` may be a tail; its folio is nobody else's any more.
void PageThread::free_last(Pfn pfn) {
  const auto head = box_.head_of(pfn);
  if (!head) return;
  if (witness_ != nullptr && witness_->is_held(head.value) && freed_pinned_ == kNoPfn)
    freed_pinned_ = head.value;
  box_.free_page(head.value);
}

std::uint32_t PageThread::held_refs(Pfn head) const {
  std::uint32_t sum = 0;
  for (const Book* book : {&refs_, &isolated_})
    for (const Held& held : *book)
      if (held.head == head) sum += held.n;
  return sum;
}

Errc PageThread::do_get(Pfn pfn, std::uint32_t n) {
  if (keeps_book_ && n == 1)
    return (pages_ == Pages::kStay ? kernel_.get : kernel_.try_get)(frame_, pfn.value);
  const Errc error = box_.get(pfn, n);
  if (error == Errc::kOk && hides_refs()) (void)box_.accounts().try_sub_refs(head_of(pfn), n);
  return error;
}

Errc PageThread::do_put(Pfn pfn, std::uint32_t n) {
  if (!keeps_book_ || n != 1) {
    if (hides_refs()) box_.accounts().add_refs(head_of(pfn), n);
    return box_.put(pfn, n);
  }
  const auto last = kernel_.put(frame_, pfn.value);
  if (!last) return last.error;
  if (last.value) free_last(pfn);
  return Errc::kOk;
}

Errc PageThread::do_pin(Pfn pfn, std::uint32_t n) {
  if (!keeps_book_) return box_.pin(pfn, n, shard_);
  if (box_.asks_type())
    if (const Errc error = box_.check_type(pfn); error != Errc::kOk) return error;
  return kernel_.try_pin(frame_, pfn.value, n, shard_);
}

Errc PageThread::do_unpin(Pfn pfn, std::uint32_t n) {
  if (!keeps_book_) return box_.unpin(pfn, n, shard_);
  const auto last = kernel_.unpin(frame_, pfn.value, n, shard_);
  return gave_back(pfn, last ? Errc::kOk : last.error, last && last.value);
}

/// What came of an unpin of what this thread had pinned.
Errc PageThread::gave_back(Pfn pfn, Errc error, bool last) {
  if (error != Errc::kOk) [[unlikely]] {
    // What a loop gave up is told as such.
    if (error != Errc::kLivelock && not_unpinned_ == kNoPfn) not_unpinned_ = pfn;
    return error;
  }
  if (last) free_last(pfn);
  return Errc::kOk;
}

Errc PageThread::get(Pfn pfn, std::uint32_t n) {
  if (const Errc error = box_.check(pfn, n); error != Errc::kOk) return error;
  const Errc error = do_get(pfn, n);
  if (error == Errc::kOk) note(refs_, head_of(pfn), n);
  return error;
}

Errc PageThread::put(Pfn pfn, std::uint32_t n) {
  if (const Errc error = box_.check(pfn, n); error != Errc::kOk) return error;
  return take(refs_, head_of(pfn), n) ? do_put(pfn, n) : Errc::kNotReferenced;
}

Errc PageThread::pin(Pfn pfn, std::uint32_t n) {
  if (const Errc error = check_pins(pfn, n); error != Errc::kOk) return error;
  const Errc error = do_pin(pfn, n);
  if (error != Errc::kOk) return error;
  const Pfn head = head_of(pfn);
  note(pins_, head, n);
  if (witness_ != nullptr) witness_->taken(head, n);
  return error;
}

Errc PageThread::pin_referenced(Pfn pfn, std::uint32_t n) {
  if (const Errc error = check_pins(pfn, n); error != Errc::kOk) return error;
  const Pfn head = head_of(pfn);
  if (std::ranges::none_of(refs_, [&](const Held& held) { return held.head == head; }))
    return Errc::kNotReferenced;
  Errc error = Errc::kOk;
  if (!keeps_book_)
    error = box_.pin_referenced(pfn, n, shard_);
  else if (box_.asks_type())
    error = box_.check_type(pfn);
  if (error == Errc::kOk && keeps_book_) error = kernel_.pin(frame_, pfn.value, n, shard_);
  if (error != Errc::kOk) return error;
  note(pins_, head, n);
  if (witness_ != nullptr) witness_->taken(head, n);
  return error;
}

Errc PageThread::unpin(Pfn pfn, std::uint32_t n) {
  if (const Errc error = box_.check(pfn, n); error != Errc::kOk) return error;
  const Pfn head = head_of(pfn);
  if (!take(pins_, head, n)) return Errc::kNotPinned;
  if (witness_ != nullptr) witness_->returning(head, n);
  return do_unpin(pfn, n);
}

Errc PageThread::isolate(Pfn pfn) {
  if (const Errc error = box_.check(pfn, 1); error != Errc::kOk) return error;
  const auto taken = box_.isolate(pfn);
  if (!taken) return taken.error;
  if (!taken.value) return Errc::kBusy;
  note(isolated_, head_of(pfn), 1);
  return Errc::kOk;
}

Errc PageThread::putback(Pfn pfn) {
  if (const Errc error = box_.check(pfn, 1); error != Errc::kOk) return error;
  return take(isolated_, head_of(pfn), 1) ? box_.putback(pfn) : Errc::kInval;
}

Result<bool> PageThread::maybe_pinned(Pfn pfn) {
  const auto watched = witness_ == nullptr ? Result<Pfn>(Errc::kNoEnt) : box_.head_of(pfn);
  const std::uint64_t before = watched ? witness_->begin(watched.value) : 0;
  const auto answer = box_.maybe_pinned(pfn);
  if (!answer || answer.value || called_unpinned_ != kNoPfn) return answer;
  const Pfn head = head_of(pfn);
  if ((watched && witness_->was_held(watched.value, before)) ||
      std::ranges::any_of(pins_, [&](const Held& held) { return held.head == head; }))
    called_unpinned_ = pfn;
  return answer;
}

Errc PageThread::release(Pfn pfn) {
  const auto head = box_.head_of(pfn);
  const Errc error = box_.release(pfn);
  // Somebody else's last put may have freed it by now, who tells it himself.
  if (error == Errc::kOk && head && witness_ != nullptr && freed_pinned_ == kNoPfn &&
      box_.accounts().state(head.value) == PageState::kFree && witness_->is_held(head.value))
    freed_pinned_ = head.value;
  return error;
}

Errc PageThread::freeze(Pfn pfn) {
  if (const Errc error = box_.check(pfn, 1); error != Errc::kOk) return error;
  const auto head = box_.head_of(pfn);
  if (!head) return head.error;
  if (!box_.owns(head.value)) return Errc::kOpNotSupp;
  const Page page = box_.memmap().page(head.value);
  const std::uint64_t own = box_.accounts().own_refs(head.value);
  const std::uint64_t expected = own + held_refs(head.value);
  if (expected == 0 || expected > kRefcountMax) return Errc::kAgain;
  const std::uint64_t before = witness_ == nullptr ? 0 : witness_->begin(head.value);
  const auto count = static_cast<std::int32_t>(expected);
  if (!page.try_freeze(count)) return Errc::kAgain;
  if (witness_ != nullptr && witness_->was_held(head.value, before) && frozen_pinned_ == kNoPfn)
    frozen_pinned_ = head.value;
  page.unfreeze(count);
  return Errc::kOk;
}

void PageThread::tell_broken(AuditSink& sink) const {
  if (called_unpinned_ != kNoPfn)
    sink.add(Invariant::kMaybePinnedSound, AuditPlace::page(called_unpinned_), "maybe_pinned", 1, 0,
             "asked while a pin was held all the time");
  if (not_unpinned_ != kNoPfn)
    sink.add(Invariant::kUnpinAccepted, AuditPlace::page(not_unpinned_), "pins", 1, 0,
             "refused to the thread that held the pin");
  if (freed_pinned_ != kNoPfn)
    sink.add(Invariant::kPinnedStays, AuditPlace::page(freed_pinned_), "_refcount", 1, 0,
             "freed while a pin was held");
  if (frozen_pinned_ != kNoPfn)
    sink.add(Invariant::kPinnedStays, AuditPlace::page(frozen_pinned_), "_refcount", 1, 0,
             "frozen for migration while a pin was held");
}

Errc PageThread::enter() {
  Ledger* ledger = box_.ledger();
  if (ledger == nullptr || !keeps_book_) return Errc::kOk;
  std::uint64_t entered = 0;
  Errc error = Errc::kOk;
  for_each_held([&](Pfn head, std::uint32_t n, HeldPageKind kind) {
    if (kind != HeldPageKind::kPinned || error != Errc::kOk) return;
    error = ledger->add(shard_, head, n);
    if (error == Errc::kOk) ++entered;
  });
  if (error != Errc::kOk) {
    for_each_held([&](Pfn head, std::uint32_t n, HeldPageKind kind) {
      if (kind != HeldPageKind::kPinned || entered == 0) return;
      (void)ledger->remove(shard_, head, n);
      --entered;
    });
    return error;
  }
  for_each_held([&](Pfn head, std::uint32_t n, HeldPageKind kind) {
    if (kind == HeldPageKind::kReferenced) box_.accounts().add_refs(head, n);
  });
  return Errc::kOk;
}

void PageThread::withdraw() {
  Ledger* ledger = box_.ledger();
  if (ledger == nullptr || !keeps_book_) return;
  for_each_held([&](Pfn head, std::uint32_t n, HeldPageKind kind) {
    if (kind == HeldPageKind::kPinned) (void)ledger->remove(shard_, head, n);
    if (kind == HeldPageKind::kReferenced) (void)box_.accounts().try_sub_refs(head, n);
  });
}

void PageThread::release_all() {
  release_kept();
  while (!pins_.empty()) {
    const Held held = take_any(pins_);
    if (witness_ != nullptr) witness_->returning(held.head, held.n);
    (void)do_unpin(held.head, held.n);
  }
  while (!refs_.empty()) {
    const Held held = take_any(refs_);
    (void)do_put(held.head, held.n);
  }
  while (!isolated_.empty()) (void)box_.putback(take_any(isolated_).head);
}

}  // namespace pagebox::inline PAGEBOX_ENV
