#include "engine/scenario/page_thread.h"

#include <algorithm>

namespace pagebox::inline PAGEBOX_ENV {

namespace {

constexpr std::size_t kFirstHeld = 8;

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
      frame_(box.scheme().frame()),
      shard_(shard),
      keeps_book_(keeps_book),
      pages_(pages),
      rng_(Rng::stream(seed, shard)) {
  // So where books lie does not depend on who takes something first.
  for (Book* book : {&pins_, &refs_, &isolated_}) book->reserve(kFirstHeld);
}

Errc PageThread::check(Pfn pfn, std::uint32_t n) const {
  if (pfn.value >= box_.memmap().capacity()) return Errc::kRange;
  return n == 0 || n > kRefcountMax ? Errc::kInval : Errc::kOk;
}

// Holdings name heads: whoever holds a page keeps its folio together.
Pfn PageThread::head_of(Pfn pfn) const {
  const auto head = box_.head_of(pfn);
  return head ? head.value : pfn;
}

/// More than `_refcount` can hold at once.
Errc PageThread::check_pins(Pfn pfn, std::uint32_t n) const {
  if (const Errc error = check(pfn, n); error != Errc::kOk || n == 1) return error;
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
  if (const auto head = box_.head_of(pfn)) box_.free_page(head.value);
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
  if (!last) [[unlikely]] {
    // What a loop gave up is told as such.
    if (last.error != Errc::kLivelock && not_unpinned_ == kNoPfn) not_unpinned_ = pfn;
    return last.error;
  }
  if (last.value) free_last(pfn);
  return Errc::kOk;
}

Errc PageThread::get(Pfn pfn, std::uint32_t n) {
  if (const Errc error = check(pfn, n); error != Errc::kOk) return error;
  const Errc error = do_get(pfn, n);
  if (error == Errc::kOk) note(refs_, head_of(pfn), n);
  return error;
}

Errc PageThread::put(Pfn pfn, std::uint32_t n) {
  if (const Errc error = check(pfn, n); error != Errc::kOk) return error;
  return take(refs_, head_of(pfn), n) ? do_put(pfn, n) : Errc::kNotReferenced;
}

Errc PageThread::pin(Pfn pfn, std::uint32_t n) {
  if (const Errc error = check_pins(pfn, n); error != Errc::kOk) return error;
  const Errc error = do_pin(pfn, n);
  if (error == Errc::kOk) note(pins_, head_of(pfn), n);
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
  if (error == Errc::kOk) note(pins_, head, n);
  return error;
}

Errc PageThread::unpin(Pfn pfn, std::uint32_t n) {
  if (const Errc error = check(pfn, n); error != Errc::kOk) return error;
  return take(pins_, head_of(pfn), n) ? do_unpin(pfn, n) : Errc::kNotPinned;
}

Errc PageThread::isolate(Pfn pfn) {
  if (const Errc error = check(pfn, 1); error != Errc::kOk) return error;
  const auto taken = box_.isolate(pfn);
  if (!taken) return taken.error;
  if (!taken.value) return Errc::kBusy;
  note(isolated_, head_of(pfn), 1);
  return Errc::kOk;
}

Errc PageThread::putback(Pfn pfn) {
  if (const Errc error = check(pfn, 1); error != Errc::kOk) return error;
  return take(isolated_, head_of(pfn), 1) ? box_.putback(pfn) : Errc::kInval;
}

Result<bool> PageThread::maybe_pinned(Pfn pfn) {
  const auto answer = box_.maybe_pinned(pfn);
  if (!answer || answer.value || called_unpinned_ != kNoPfn) return answer;
  const Pfn head = head_of(pfn);
  if (std::ranges::any_of(pins_, [&](const Held& held) { return held.head == head; }))
    called_unpinned_ = pfn;
  return answer;
}

void PageThread::tell_broken(AuditSink& sink) const {
  if (called_unpinned_ != kNoPfn)
    sink.add(Invariant::kMaybePinnedSound, AuditPlace::page(called_unpinned_), "maybe_pinned", 1, 0,
             "asked while the thread that asks holds a pin");
  if (not_unpinned_ != kNoPfn)
    sink.add(Invariant::kUnpinAccepted, AuditPlace::page(not_unpinned_), "pins", 1, 0,
             "refused to the thread that held the pin");
}

void PageThread::run(const PageChunk& chunk, std::size_t begin, std::size_t end,
                     StepTallies& tallies) {
  while (begin < end) {
    const PinOp step = chunk.step(begin);
    std::size_t stop = chunk.uniform ? end : begin + 1;
    while (stop < end && chunk.steps[stop] == step) ++stop;
    const auto pfns = std::span(chunk.pfns).subspan(begin, stop - begin);
    switch (step) {
      case PinOp::kPinUnpin:
      case PinOp::kSpeculativeUnpin:
      case PinOp::kGetPut:
      case PinOp::kMaybePinned: run_batch(step, pfns, tallies); break;
      default:
        for (const std::uint32_t pfn : pfns) run_one(step, Pfn{pfn}, tallies);
    }
    begin = stop;
  }
}

// Steps that hold nothing afterwards run in the batch kernels.
void PageThread::run_batch(PinOp step, std::span<const std::uint32_t> pfns, StepTallies& tallies) {
  if (box_.asks_type() || !keeps_book_) {
    for (const std::uint32_t pfn : pfns) run_one(step, Pfn{pfn}, tallies);
    return;
  }
  const auto get_put = pages_ == Pages::kStay ? kernel_.get_put_many : kernel_.try_get_put_many;
  const auto batch = step == PinOp::kGetPut        ? get_put
                     : step == PinOp::kMaybePinned ? kernel_.maybe_pinned_many
                                                   : kernel_.try_pin_unpin_many;
  const BatchResult done = batch(frame_, pfns.data(), pfns.size(), shard_, freed_.data());
  OpTally& tally = tallies[static_cast<unsigned>(step)];
  tally.ops += pfns.size();
  if (done.failed != 0) [[unlikely]]
    tally.fail(done.first_error, done.failed);
  if (step == PinOp::kMaybePinned) return;  // `freed` is not written
  for (std::uint64_t i = 0; i < done.freed; ++i) box_.free_page(Pfn{freed_[i]});
}

void PageThread::run_one(PinOp step, Pfn pfn, StepTallies& tallies) {
  OpTally& tally = tallies[static_cast<unsigned>(step)];
  ++tally.ops;
  Errc error = attempt(step, pfn);
  if (error == Errc::kAgain) {
    // Fast GUP would go the slow way now, which finds the page or faults it in.
    ++tally.retries;
    error = attempt(step, pfn);
  }
  if (error != Errc::kOk) tally.fail(error, 1);
}

Errc PageThread::attempt(PinOp step, Pfn pfn) {
  switch (step) {
    case PinOp::kPin: return keep_pin(pfn);
    case PinOp::kUnpin: return drop_pin();
    case PinOp::kGet: return keep_ref(pfn);
    case PinOp::kPut: return drop_ref();
    case PinOp::kMaybePinned: kernel_.maybe_pinned(frame_, pfn.value); return Errc::kOk;
    case PinOp::kReferencedUnpin: return referenced_pair(pfn);
    case PinOp::kIsolatePutback: return isolate_pair(pfn);
    case PinOp::kGetPut: {
      const Errc error = do_get(pfn, 1);
      return error == Errc::kOk ? do_put(pfn, 1) : error;
    }
    case PinOp::kPinUnpin:
    case PinOp::kSpeculativeUnpin: {
      const Errc error = do_pin(pfn, 1);
      return error == Errc::kOk ? do_unpin(pfn, 1) : error;
    }
  }
  return Errc::kInval;
}

Errc PageThread::keep_pin(Pfn pfn) {
  if (pins_.size() >= kMaxKept) (void)drop_pin();
  if (const Errc error = do_pin(pfn, 1); error != Errc::kOk) return error;
  pins_.push_back({head_of(pfn), 1});
  return Errc::kOk;
}

Errc PageThread::keep_ref(Pfn pfn) {
  if (refs_.size() >= kMaxKept) (void)drop_ref();
  if (const Errc error = do_get(pfn, 1); error != Errc::kOk) return error;
  refs_.push_back({head_of(pfn), 1});
  return Errc::kOk;
}

/// kNoEnt: this thread holds none.
Errc PageThread::drop_pin() {
  if (pins_.empty()) return Errc::kNoEnt;
  const Held held = take_any(pins_);
  return do_unpin(held.head, held.n);
}

Errc PageThread::drop_ref() {
  if (refs_.empty()) return Errc::kNoEnt;
  const Held held = take_any(refs_);
  return do_put(held.head, held.n);
}

Errc PageThread::referenced_pair(Pfn pfn) {
  if (const Errc error = do_get(pfn, 1); error != Errc::kOk) return error;
  Errc error = kernel_.pin(frame_, pfn.value, 1, shard_);
  if (error == Errc::kOk) error = do_unpin(pfn, 1);
  const Errc given_back = do_put(pfn, 1);
  return error == Errc::kOk ? given_back : error;
}

/// kBusy: it is on no list, as isolate_lru_page says it.
Errc PageThread::isolate_pair(Pfn pfn) {
  const auto taken = box_.isolate(pfn);
  if (!taken) return taken.error;
  return taken.value ? box_.putback(pfn) : Errc::kBusy;
}

Errc PageThread::enter() {
  Ledger* ledger = box_.ledger();
  if (ledger == nullptr || !keeps_book_) return Errc::kOk;
  for (std::size_t i = 0; i < pins_.size(); ++i) {
    const Errc error = ledger->add(shard_, pins_[i].head, pins_[i].n);
    if (error == Errc::kOk) continue;
    while (i-- > 0) (void)ledger->remove(shard_, pins_[i].head, pins_[i].n);
    return error;
  }
  for (const Held& held : refs_) box_.accounts().add_refs(held.head, held.n);
  return Errc::kOk;
}

void PageThread::withdraw() {
  Ledger* ledger = box_.ledger();
  if (ledger == nullptr || !keeps_book_) return;
  for (const Held& held : pins_) (void)ledger->remove(shard_, held.head, held.n);
  for (const Held& held : refs_) (void)box_.accounts().try_sub_refs(held.head, held.n);
}

void PageThread::release_all() {
  while (!pins_.empty()) (void)drop_pin();
  while (!refs_.empty()) (void)drop_ref();
  while (!isolated_.empty()) (void)box_.putback(take_any(isolated_).head);
}

}  // namespace pagebox::inline PAGEBOX_ENV
