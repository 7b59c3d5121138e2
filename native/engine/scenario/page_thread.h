// What one thread does to pages by pfn, and what it holds of them: it gives only that
// back. Where the box keeps a ledger of every call, its calls are the box's; in a race
// and under the model the thread keeps its own book, through the scheme's kernels, and
// enters it in the box's for each audit: so the account costs a race nothing.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/rng.h"
#include "engine/audit/audit_row.h"
#include "engine/box/box.h"
#include "engine/scenario/pin_op.h"
#include "engine/scenario/pin_witness.h"
#include "pins/streams.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Steps on pages, one after another: a mix's, or all of one kind.
struct PageChunk {
  static constexpr std::size_t kMax = 256;
  /// The first `size` are the chunk's, `readable` are known: those behind come next.
  std::array<std::uint32_t, kMax + kPrefetchPages> pfns{};
  std::array<PinOp, kMax> steps{};
  std::size_t size = 0, readable = 0;
  bool uniform = false;  // all are steps[0]
  bool keeps = false;    // all are kPin or kUnpin
  /// Not empty: the pages lie there, and `pfns` has nothing.
  PfnRange range;

  bool has_range() const { return range.end != 0; }
  PinOp step(std::size_t at) const { return steps[uniform ? 0 : at]; }
  Pfn page(std::size_t at) const { return {has_range() ? range_from(at).at : pfns[at]}; }
  PfnRange range_from(std::size_t at) const {
    const std::uint64_t pages = range.end - range.begin;
    return {range.begin, range.end, range.begin + (range.at - range.begin + at) % pages};
  }
};

enum class HeldPageKind : std::uint8_t { kPinned, kReferenced, kIsolated };

struct OpFailure {
  Errc error = Errc::kOk;
  std::uint64_t count = 0;
};

/// What came of operations of one kind.
struct OpTally {
  std::uint64_t ops = 0;      // tried; failures are among them
  std::uint64_t retries = 0;  // attempts beyond the first
  /// By errno. Operations that failed together in one batch count as the first one's.
  std::vector<OpFailure> failures;

  void fail(Errc error, std::uint64_t count);
  void merge(const OpTally& other);
};
using StepTallies = std::array<OpTally, kPinOps>;

/// Whether anybody frees pages while the thread runs.
enum class Pages : std::uint8_t { kStay, kComeAndGo };

class PageThread {
 public:
  /// `shard`: whose pins they are. `keeps_book`: see above; where false the box must have a
  /// ledger that knows every call. What is released by chance is a function of `seed`.
  PageThread(Box& box, unsigned shard, bool keeps_book, Pages pages, std::uint64_t seed);
  PageThread(const PageThread&) = delete;
  PageThread& operator=(const PageThread&) = delete;

  // One page, n at once. kRange: no such page; kInval: n is 0, or too many; else as Box's.
  Errc get(Pfn pfn, std::uint32_t n);
  Errc pin(Pfn pfn, std::uint32_t n);
  /// kNotReferenced: this thread has no reference of it.
  Errc pin_referenced(Pfn pfn, std::uint32_t n);
  Errc isolate(Pfn pfn);  // kBusy: it is on no list
  // kNotReferenced, kNotPinned, kInval: this thread does not hold so many of it.
  Errc put(Pfn pfn, std::uint32_t n);
  Errc unpin(Pfn pfn, std::uint32_t n);
  Errc putback(Pfn pfn);
  Result<bool> maybe_pinned(Pfn pfn);
  Errc release(Pfn pfn);
  /// As migration does before it copies, and at once undone: takes all references there are if
  /// those are the page's own and this thread's. kAgain: there are others, or it is free;
  /// kOpNotSupp: what its own are, memory management knows.
  Errc freeze(Pfn pfn);
  /// Answers that cannot be, given what this thread held: the first of each kind.
  void tell_broken(AuditSink& sink) const;

  /// Any page that it has pinned, has references of, has isolated. kNoEnt: none.
  Result<Pfn> any_pinned() { return any_of(pins_); }
  Result<Pfn> any_referenced() { return any_of(refs_); }
  Result<Pfn> any_isolated() { return any_of(isolated_); }
  /// The page of its last operation. kNoEnt: there was none.
  Result<Pfn> same() const { return has_last_ ? Result<Pfn>(last_) : Result<Pfn>(Errc::kNoEnt); }
  void set_last(Pfn pfn) {
    last_ = pfn;
    has_last_ = true;
  }

  /// Steps [begin, end) of a chunk; runs of one kind go through the batch kernels.
  void run(const PageChunk& chunk, std::size_t begin, std::size_t end, StepTallies& tallies);
  void run_one(PinOp step, Pfn pfn, StepTallies& tallies);

  Box& box() { return box_; }
  /// Who tells what all threads hold; null: only this one's own pins are known. Outlives it.
  void set_witness(PinWitness* witness) { witness_ = witness; }

  /// Around an audit (see audit_entered()), where the box keeps no book of its own. kOutOfMemory:
  /// the ledger has no room, and nothing is entered.
  Errc enter();
  void withdraw();
  /// fn(head, n, kind) of each page that is held.
  template <class Fn>
  void for_each_held(Fn&& fn) const {
    for (const Held& held : pins_) fn(held.head, held.n, HeldPageKind::kPinned);
    for (const Held& held : refs_) fn(held.head, held.n, HeldPageKind::kReferenced);
    for (const Held& held : isolated_) fn(held.head, held.n, HeldPageKind::kIsolated);
    for_each_kept(fn);
  }
  /// Gives everything back.
  void release_all();

 private:
  struct Held {
    Pfn head;
    std::uint32_t n = 0;
  };
  using Book = std::vector<Held>;

  /// The box's own account of references is kept by the box's calls.
  bool hides_refs() const { return keeps_book_ && box_.ledger() != nullptr; }
  Errc check_pins(Pfn pfn, std::uint32_t n) const;
  Pfn head_of(Pfn pfn) const;
  Result<Pfn> any_of(const Book& book);
  static void note(Book& book, Pfn head, std::uint32_t n);
  static bool take(Book& book, Pfn head, std::uint32_t n);
  Held take_any(Book& book);
  Errc gave_back(Pfn pfn, Errc error, bool last);

  Errc do_get(Pfn pfn, std::uint32_t n);
  Errc do_put(Pfn pfn, std::uint32_t n);
  Errc do_pin(Pfn pfn, std::uint32_t n);
  Errc do_unpin(Pfn pfn, std::uint32_t n);
  void free_last(Pfn pfn);
  std::uint32_t held_refs(Pfn head) const;
  // page_steps.cpp: what a mix does. Steps that keep something have a book of their own, which
  // never grows: beyond it something is given back first.
  template <class Fn>
  void for_each_kept(Fn&& fn) const {
    if (kept_ == nullptr) return;
    const auto each = [&](const KeptPages& kept, HeldPageKind kind) {
      for (std::uint32_t i = 0; i < kept.size; ++i) fn(Pfn{kept.heads[i]}, 1, kind);
    };
    each(kept_->pins, HeldPageKind::kPinned);
    each(kept_->refs, HeldPageKind::kReferenced);
  }
  void release_kept();
  void run_batch(const PageChunk& chunk, std::size_t begin, std::size_t end, StepTallies& tallies);
  void run_kept(const PageChunk& chunk, std::size_t begin, std::size_t end, StepTallies& tallies);
  bool runs_batches() const { return keeps_book_ && !box_.asks_type(); }
  Errc attempt(PinOp step, Pfn pfn);
  Errc keep_pin(Pfn pfn);
  Errc keep_ref(Pfn pfn);
  Errc drop_pin();
  Errc drop_ref();
  Errc referenced_pair(Pfn pfn);
  Errc isolate_pair(Pfn pfn);

  Box& box_;
  const PinKernel& kernel_;
  const PinStreamKernel& streams_;
  const PinFrame& frame_;
  const unsigned shard_;
  const bool keeps_book_;
  const Pages pages_;
  Rng rng_;
  Book pins_, refs_, isolated_;
  struct Kept {
    KeptPages pins, refs;
  };
  std::unique_ptr<Kept> kept_;  // of who runs a mix, from its first step on
  Kept& kept();
  PinWitness* witness_ = nullptr;
  Pfn called_unpinned_ = kNoPfn, not_unpinned_ = kNoPfn, freed_pinned_ = kNoPfn;
  Pfn frozen_pinned_ = kNoPfn;
  Pfn last_;
  bool has_last_ = false;
};

/// audit() with what all of them hold entered in the box's books. kOutOfMemory: it was not
/// called; else what it says.
template <class Audit>
Errc audit_entered(std::span<const std::unique_ptr<PageThread>> threads, Audit&& audit) {
  std::size_t entered = 0;
  Errc error = Errc::kOk;
  while (error == Errc::kOk && entered < threads.size())
    if (error = threads[entered]->enter(); error == Errc::kOk) ++entered;
  if (error == Errc::kOk) error = audit();
  while (entered-- > 0) threads[entered]->withdraw();
  return error;
}

}  // namespace pagebox::inline PAGEBOX_ENV
