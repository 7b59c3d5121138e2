// Steps on pages that a mix draws, or a repeat comes to: runs of one kind go through the
// batch kernels, and so do pins and unpins in any order.
#include "base/uninit_array.h"
#include "engine/scenario/page_thread.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr bool keeps_pins(PinOp step) { return step == PinOp::kPin || step == PinOp::kUnpin; }

}  // namespace

void PageThread::run(const PageChunk& chunk, std::size_t begin, std::size_t end,
                     StepTallies& tallies) {
  while (begin < end) {
    const PinOp step = chunk.step(begin);
    std::size_t stop = end;
    if (keeps_pins(step)) {
      if (!chunk.keeps && !chunk.uniform)
        for (stop = begin + 1; stop < end && keeps_pins(chunk.steps[stop]);) ++stop;
      run_kept(chunk, begin, stop, tallies);
      begin = stop;
      continue;
    }
    if (!chunk.uniform)
      for (stop = begin + 1; stop < end && chunk.steps[stop] == step;) ++stop;
    switch (step) {
      case PinOp::kPinUnpin:
      case PinOp::kSpeculativeUnpin:
      case PinOp::kGetPut:
      case PinOp::kMaybePinned: run_batch(chunk, begin, stop, tallies); break;
      default:
        for (std::size_t i = begin; i < stop; ++i) run_one(step, chunk.page(i), tallies);
    }
    begin = stop;
  }
}

// Steps that hold nothing afterwards run in the batch kernels.
void PageThread::run_batch(const PageChunk& chunk, std::size_t begin, std::size_t end,
                           StepTallies& tallies) {
  const PinOp step = chunk.step(begin);
  if (!runs_batches()) {
    for (std::size_t i = begin; i < end; ++i) run_one(step, chunk.page(i), tallies);
    return;
  }
  const std::size_t size = end - begin;
  const std::uint32_t* pfns = chunk.pfns.data() + begin;
  UninitArray<std::uint32_t, PageChunk::kMax> room;
  std::uint32_t* const freed = room.first(size).data();
  BatchResult done;
  if (chunk.has_range()) {
    PfnRange range = chunk.range_from(begin);
    done = streams_.try_pin_unpin_range(frame_, range, size, shard_, freed);
  } else if (step == PinOp::kGetPut) {
    const auto batch = pages_ == Pages::kStay ? kernel_.get_put_many : kernel_.try_get_put_many;
    done = batch(frame_, pfns, size, shard_, freed);
  } else if (step == PinOp::kMaybePinned) {
    done = kernel_.maybe_pinned_many(frame_, pfns, size, shard_, nullptr);
  } else {
    done = streams_.try_pin_unpin_ahead(frame_, pfns, size, chunk.readable - begin, shard_, freed);
  }
  OpTally& tally = tallies[static_cast<unsigned>(step)];
  tally.ops += size;
  if (done.failed != 0) [[unlikely]]
    tally.fail(done.first_error, done.failed);
  if (step == PinOp::kMaybePinned) return;  // `freed` is not written
  for (std::uint64_t i = 0; i < done.freed; ++i) box_.free_page(Pfn{freed[i]});
}

// Pins that are kept and unpins of any of them, in any order.
void PageThread::run_kept(const PageChunk& chunk, std::size_t begin, std::size_t end,
                          StepTallies& tallies) {
  if (!runs_batches() || witness_ != nullptr || chunk.uniform) {
    for (std::size_t i = begin; i < end; ++i) run_one(chunk.step(i), chunk.page(i), tallies);
    return;
  }
  Kept& kept = this->kept();
  OpTally& pins = tallies[static_cast<unsigned>(PinOp::kPin)];
  OpTally& unpins = tallies[static_cast<unsigned>(PinOp::kUnpin)];
  while (begin < end) {
    const std::uint64_t before = kept.pins.size;
    const KeptRun run =
        streams_.keep_run(frame_, chunk.pfns.data() + begin,
                          reinterpret_cast<const std::uint8_t*>(chunk.steps.data() + begin),
                          static_cast<std::uint8_t>(PinOp::kUnpin), end - begin,
                          chunk.readable - begin, shard_, kept.pins, rng_);
    // Each step has kept one more or one less.
    const std::uint64_t of_pins = (run.done + kept.pins.size - before) / 2;
    pins.ops += of_pins;
    unpins.ops += run.done - of_pins;
    begin += run.done;
    if (run.unpinned) {
      const Errc error = gave_back(Pfn{run.head}, run.error, run.last);
      if (error != Errc::kOk) unpins.fail(error, 1);
    } else if (begin < end) {
      run_one(chunk.steps[begin], Pfn{chunk.pfns[begin]}, tallies);
      ++begin;
    }
  }
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

PageThread::Kept& PageThread::kept() {
  if (kept_ == nullptr) kept_ = std::make_unique<Kept>();
  return *kept_;
}

Errc PageThread::keep_pin(Pfn pfn) {
  if (kept().pins.size == KeptPages::kMax) (void)drop_pin();
  if (const Errc error = do_pin(pfn, 1); error != Errc::kOk) return error;
  const Pfn head = head_of(pfn);
  kept_->pins.keep(head);
  if (witness_ != nullptr) witness_->taken(head, 1);
  return Errc::kOk;
}

Errc PageThread::keep_ref(Pfn pfn) {
  if (kept().refs.size == KeptPages::kMax) (void)drop_ref();
  if (const Errc error = do_get(pfn, 1); error != Errc::kOk) return error;
  kept_->refs.keep(head_of(pfn));
  return Errc::kOk;
}

/// kNoEnt: this thread keeps none.
Errc PageThread::drop_pin() {
  if (kept().pins.size == 0) return Errc::kNoEnt;
  const Pfn head{kept_->pins.take_any(rng_)};
  if (witness_ != nullptr) witness_->returning(head, 1);
  return do_unpin(head, 1);
}

Errc PageThread::drop_ref() {
  if (kept().refs.size == 0) return Errc::kNoEnt;
  return do_put(Pfn{kept_->refs.take_any(rng_)}, 1);
}

void PageThread::release_kept() {
  if (kept_ == nullptr) return;
  while (kept_->pins.size != 0) (void)drop_pin();
  while (kept_->refs.size != 0) (void)drop_ref();
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

}  // namespace pagebox::inline PAGEBOX_ENV
