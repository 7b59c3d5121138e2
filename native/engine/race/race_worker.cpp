#include "engine/race/race_worker.h"

#include <algorithm>

#include "engine/race/clock.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

/// What two readings of the clock cost when nothing lies between them.
std::uint64_t measure_clock_ns() {
  std::uint64_t least = ~std::uint64_t{0};
  for (int i = 0; i < 64; ++i) {
    const std::uint64_t begin = now_ns();
    least = std::min(least, now_ns() - begin);
  }
  return least;
}

/// Seeds of the streams beside the pattern's.
std::uint64_t other_seed(std::uint64_t seed, std::uint64_t which) {
  std::uint64_t state = seed + which;
  return splitmix64(state);
}

}  // namespace

RaceWorker::RaceWorker(Box& box, const RaceSettings& settings, unsigned thread,
                       const ZipfTable* zipf)
    : box_(box),
      kernel_(box.scheme().kernel()),
      frame_(box.scheme().frame()),
      shard_(thread % box.settings().shards),
      rng_(Rng::stream(other_seed(settings.seed, 0), thread)),
      release_rng_(Rng::stream(other_seed(settings.seed, 1), thread)),
      stream_(settings.pattern, settings.first, settings.pages, settings.seed, thread,
              settings.threads, zipf),
      clock_cost_ns_(measure_clock_ns()) {
  std::uint32_t sum = 0;
  unsigned kinds = 0;
  for (unsigned i = 0; i < kPinOps; ++i) {
    if (settings.mix[i] != 0) {
      ++kinds;
      only_op_ = static_cast<PinOp>(i);
    }
    reach_[i] = sum += settings.mix[i];
  }
  single_op_ = kinds == 1;
  ops_.fill(only_op_);
  held_pins_.reserve(kMaxHeld + 1);
  held_refs_.reserve(kMaxHeld + 1);
}

PinOp RaceWorker::draw_op() {
  const auto at = static_cast<std::uint32_t>(rng_.below(reach_.back()));
  unsigned op = 0;
  while (reach_[op] <= at) ++op;
  return static_cast<PinOp>(op);
}

void RaceWorker::run_chunk(std::size_t ops) {
  const std::span<std::uint32_t> pfns(pfns_.data(), ops);
  stream_.fill(pfns);
  if (!single_op_)
    for (std::size_t i = 0; i < ops; ++i) ops_[i] = draw_op();

  // A drawn place, so that the sample never keeps step with the pattern.
  const std::size_t timed = rng_.below(kChunk);
  for (std::size_t i = 0; i < ops;) {
    if (i == timed) {
      do_timed(ops_[i], Pfn{pfns[i]});
      ++i;
      continue;
    }
    const std::size_t limit = i < timed ? std::min(ops, timed) : ops;
    std::size_t end = i + 1;
    while (end < limit && ops_[end] == ops_[i]) ++end;
    do_run(ops_[i], pfns.subspan(i, end - i));
    i = end;
  }
}

void RaceWorker::do_timed(PinOp op, Pfn pfn) {
  const std::uint64_t begin = now_ns();
  do_one(op, pfn);
  const std::uint64_t ns = now_ns() - begin;
  results_[static_cast<unsigned>(op)].latency.record(ns > clock_cost_ns_ ? ns - clock_cost_ns_ : 0);
}

void RaceWorker::do_run(PinOp op, std::span<const std::uint32_t> pfns) {
  switch (op) {
    case PinOp::kPinUnpin:
    case PinOp::kSpeculativeUnpin:
    case PinOp::kGetPut:
    case PinOp::kMaybePinned: do_pairs(op, pfns); break;
    default:
      for (const std::uint32_t pfn : pfns) do_one(op, Pfn{pfn});
  }
}

// Operations that hold nothing afterwards run in the batch kernels.
void RaceWorker::do_pairs(PinOp op, std::span<const std::uint32_t> pfns) {
  const auto batch = op == PinOp::kGetPut        ? kernel_.get_put_many
                     : op == PinOp::kMaybePinned ? kernel_.maybe_pinned_many
                                                 : kernel_.try_pin_unpin_many;
  const BatchResult done = batch(frame_, pfns.data(), pfns.size(), shard_, freed_.data());
  OpResult& result = results_[static_cast<unsigned>(op)];
  result.ops += pfns.size();
  if (done.failed != 0) [[unlikely]]
    result.fail(done.first_error, done.failed);
  if (op == PinOp::kMaybePinned) return;  // `freed` is not written
  for (std::uint64_t i = 0; i < done.freed; ++i) box_.free_page(Pfn{freed_[i]});
}

void RaceWorker::do_one(PinOp op, Pfn pfn) {
  OpResult& result = results_[static_cast<unsigned>(op)];
  ++result.ops;
  Errc error = attempt(op, pfn);
  if (error == Errc::kAgain) {
    // Fast GUP would go the slow way now, which finds the page or faults it in.
    ++result.retries;
    error = attempt(op, pfn);
  }
  if (error != Errc::kOk) result.fail(error, 1);
}

Errc RaceWorker::attempt(PinOp op, Pfn pfn) {
  switch (op) {
    case PinOp::kPin: return hold_pin(pfn);
    case PinOp::kUnpin: return release_pin();
    case PinOp::kGet: return hold_ref(pfn);
    case PinOp::kPut: return release_ref();
    case PinOp::kMaybePinned: kernel_.maybe_pinned(frame_, pfn.value); return Errc::kOk;
    case PinOp::kReferencedUnpin: return pin_referenced_pair(pfn);
    case PinOp::kIsolatePutback: return isolate_pair(pfn);
    case PinOp::kGetPut: {
      const Errc error = get(pfn);
      return error == Errc::kOk ? put(pfn) : error;
    }
    case PinOp::kPinUnpin:
    case PinOp::kSpeculativeUnpin: {
      const Errc error = try_pin(pfn);
      return error == Errc::kOk ? unpin(pfn) : error;
    }
  }
  return Errc::kInval;
}

// `pfn` may be a tail; its folio is nobody else's any more.
void RaceWorker::free_last(Pfn pfn) {
  if (const auto head = box_.head_of(pfn)) box_.free_page(head.value);
}

Errc RaceWorker::get(Pfn pfn) { return kernel_.get(frame_, pfn.value); }

Errc RaceWorker::put(Pfn pfn) {
  const auto last = kernel_.put(frame_, pfn.value);
  if (!last) return last.error;
  if (last.value) free_last(pfn);
  return Errc::kOk;
}

Errc RaceWorker::try_pin(Pfn pfn) { return kernel_.try_pin(frame_, pfn.value, 1, shard_); }

Errc RaceWorker::unpin(Pfn pfn) {
  const auto last = kernel_.unpin(frame_, pfn.value, 1, shard_);
  if (!last) return last.error;
  if (last.value) free_last(pfn);
  return Errc::kOk;
}

// Holdings name heads: whoever holds a page keeps its folio together.

Errc RaceWorker::hold_pin(Pfn pfn) {
  if (held_pins_.size() == kMaxHeld) (void)release_pin();
  if (const Errc error = try_pin(pfn); error != Errc::kOk) return error;
  const auto head = box_.head_of(pfn);
  held_pins_.push_back(head ? head.value : pfn);
  return Errc::kOk;
}

Errc RaceWorker::hold_ref(Pfn pfn) {
  if (held_refs_.size() == kMaxHeld) (void)release_ref();
  if (const Errc error = get(pfn); error != Errc::kOk) return error;
  const auto head = box_.head_of(pfn);
  held_refs_.push_back(head ? head.value : pfn);
  return Errc::kOk;
}

namespace {

/// Any one, so that pages are not released in the order in which they were taken.
Pfn take_any(std::vector<Pfn>& held, Rng& rng) {
  const std::size_t at = rng.below(held.size());
  std::swap(held[at], held.back());
  const Pfn pfn = held.back();
  held.pop_back();
  return pfn;
}

}  // namespace

/// kNoEnt: this thread holds none.
Errc RaceWorker::release_pin() {
  return held_pins_.empty() ? Errc::kNoEnt : unpin(take_any(held_pins_, release_rng_));
}
Errc RaceWorker::release_ref() {
  return held_refs_.empty() ? Errc::kNoEnt : put(take_any(held_refs_, release_rng_));
}

Errc RaceWorker::pin_referenced_pair(Pfn pfn) {
  if (const Errc error = get(pfn); error != Errc::kOk) return error;
  Errc error = kernel_.pin(frame_, pfn.value, 1, shard_);
  if (error == Errc::kOk) error = unpin(pfn);
  const Errc given_back = put(pfn);
  return error == Errc::kOk ? given_back : error;
}

/// kBusy: it is on no list, as isolate_lru_page says it.
Errc RaceWorker::isolate_pair(Pfn pfn) {
  const auto taken = box_.isolate(pfn);
  if (!taken) return taken.error;
  return taken.value ? box_.putback(pfn) : Errc::kBusy;
}

Errc RaceWorker::enter_holdings() {
  if (Ledger* ledger = box_.ledger(); ledger != nullptr) {
    for (const Pfn head : held_pins_)
      if (const Errc error = ledger->add(shard_, head, 1); error != Errc::kOk) return error;
    for (const Pfn head : held_refs_) box_.accounts().add_refs(head, 1);
  }
  return Errc::kOk;
}

void RaceWorker::withdraw_holdings() {
  if (Ledger* ledger = box_.ledger(); ledger != nullptr) {
    for (const Pfn head : held_pins_) (void)ledger->remove(shard_, head, 1);
    for (const Pfn head : held_refs_) (void)box_.accounts().try_sub_refs(head, 1);
  }
}

void RaceWorker::release_holdings() {
  while (!held_pins_.empty()) (void)release_pin();
  while (!held_refs_.empty()) (void)release_ref();
}

}  // namespace pagebox::inline PAGEBOX_ENV
