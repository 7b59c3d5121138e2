// How operations on pages by pfn are drawn.
#include "engine/scenario/random_ops.h"
#include "engine/scenario/random_parts.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Of each thread, by what kHolds has: one that is isolated is on no list.
constexpr std::array<unsigned, 3> kMaxHeld = {8, 8, 1}, kMaxHeldOfFolio = {32, 32, 32};
/// The last pages of those that are set up by pfn are released and set up anew.
constexpr std::uint64_t kThatCome = 4;

}  // namespace

/// Half of them of pages set up by pfn, half of what is mapped somewhere. What gives back
/// takes any that the thread holds.
void RandomOps::draw_page(bool fails, Op& op) {
  const auto& most = settings_.folios != 0 ? kMaxHeldOfFolio : kMaxHeld;
  for (std::size_t i = 0; i < kHolds.size(); ++i) {
    const auto [take, give] = kHolds[i];
    if (op.code == give && held_[i] == 0) op.code = take;
    if (op.code == take && held_[i] >= most[i]) op.code = give;
    if (op.code != give || fails) continue;
    op.pick = PagePick::kHeld;
    return;
  }
  if (settings_.folios != 0) return draw_on_folio(op);
  op.has_pfn = true;
  constexpr std::uint64_t kThatStay = kRandomPlaced - kThatCome;
  if (op.code == OpCode::kSetUpPage || op.code == OpCode::kReleasePage) {
    // Each thread's own, as far as there are.
    const std::uint64_t pfn = kThatStay + thread_ % kThatCome;
    const bool gone = (released_ >> pfn & 1) != 0;
    op.code = gone ? OpCode::kSetUpPage : OpCode::kReleasePage;
    op.pfn = pfn;
    if (gone && !pays(op)) op = {.code = OpCode::kYield};
    if (op.code != OpCode::kReleasePage) return;
  }
  if (fails) op.pfn = kRandomPlaced + rng_.below(kRandomPlaced);  // the machine's own
  if (fails || op.code == OpCode::kReleasePage) return;
  // What was put back waits in a batch, on no list; one that was set up by hand does not.
  if (rng_.below(op.code == OpCode::kIsolatePage ? 16 : 2) != 1) {
    // One thread's isolation is the other's failure.
    if (op.code == OpCode::kIsolatePage)
      op.pfn = thread_ % kThatStay;
    else
      op.pfn = rng_.below(32) == 0 ? kThatStay + rng_.below(kThatCome) : rng_.below(kThatStay);
    return;
  }
  op.has_pfn = false;
  op.has_buf = true;
  draw_on({.populated = true}, false, op);
  op.has_n = false;
  op.n = 0;
}

/// Any page of a folio: a pin of a tail goes to the head.
void RandomOps::draw_on_folio(Op& op) {
  op.has_pfn = true;
  op.pfn = rng_.below(settings_.folios) << settings_.order;
  if (op.code == OpCode::kSetUpPage) {
    op.order = static_cast<std::uint8_t>(settings_.order);
    return;
  }
  op.pfn += rng_.below(std::uint64_t{1} << settings_.order);
  enum Way : std::uint8_t { kPair, kKept, kReferenced };
  switch (op.code) {
    case OpCode::kPinPage: {
      auto way = static_cast<Way>(rng_.below(3));
      if (way == kKept) break;
      partner_ = OpCode::kUnpinPage;
      // As slow GUP, of a page that something holds.
      op.referenced = way == kReferenced && held_[1] != 0;
      if (!op.referenced) break;
      op.has_pfn = false;
      op.pick = PagePick::kHeld;
      break;
    }
    case OpCode::kGetPage:
      if (rng_.below(2) == 0) partner_ = OpCode::kPutPage;
      break;
    case OpCode::kIsolatePage: partner_ = OpCode::kPutbackPage; break;
    default: break;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
