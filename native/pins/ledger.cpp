#include "pins/ledger.h"

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::size_t kFirstSlots = 16;

std::uint64_t mix(Pfn head) {
  // Fibonacci hashing; the stripe takes the top bits, the slot those below.
  return head.value * 0x9e3779b97f4a7c15U;
}
std::size_t home(Pfn head, std::size_t slots) {
  return static_cast<std::size_t>(mix(head) >> 20) & (slots - 1);
}

}  // namespace

Ledger::Ledger() : stripes_(new Stripe[kStripes]) {}

Ledger::Stripe& Ledger::stripe(Pfn head) const { return stripes_[mix(head) >> 58]; }

/// The slot of the entry, or the empty slot where it would go.
std::size_t Ledger::find(const Stripe& stripe, Pfn head, std::uint32_t holder) {
  const std::size_t mask = stripe.size - 1;
  std::size_t slot = home(head, stripe.size);
  for (;; slot = (slot + 1) & mask) {
    const LedgerEntry& entry = stripe.slots[slot];
    if (entry.pins == 0 || (entry.head == head && entry.holder == holder)) return slot;
  }
}

Errc Ledger::grow(Stripe& stripe) {
  const std::size_t slots = std::max(kFirstSlots, stripe.size * 2);
  std::unique_ptr<LedgerEntry[]> old(new (std::nothrow) LedgerEntry[slots]);
  if (!old) return Errc::kOutOfMemory;
  old.swap(stripe.slots);
  const std::size_t old_slots = std::exchange(stripe.size, slots);
  for (std::size_t i = 0; i < old_slots; ++i)
    if (old[i].pins != 0) stripe.slots[find(stripe, old[i].head, old[i].holder)] = old[i];
  return Errc::kOk;
}

/// Moves later entries of the run up, so that no search meets a gap.
void Ledger::erase(Stripe& stripe, std::size_t slot) {
  const std::size_t mask = stripe.size - 1;
  for (std::size_t next = (slot + 1) & mask; stripe.slots[next].pins != 0;
       next = (next + 1) & mask) {
    const std::size_t wants = home(stripe.slots[next].head, stripe.size);
    if (((next - wants) & mask) < ((next - slot) & mask)) continue;
    stripe.slots[slot] = stripe.slots[next];
    slot = next;
  }
  stripe.slots[slot] = {};
  --stripe.used;
}

Errc Ledger::add(std::uint32_t holder, Pfn head, std::uint32_t n) {
  if (n == 0) return Errc::kInval;
  Stripe& stripe = this->stripe(head);
  Guard guard(stripe.lock);
  if (2 * (stripe.used + 1) > stripe.size)
    if (const Errc error = grow(stripe); error != Errc::kOk) return error;
  LedgerEntry& entry = stripe.slots[find(stripe, head, holder)];
  if (entry.pins > std::numeric_limits<std::uint32_t>::max() - n) return Errc::kPinLimit;
  if (entry.pins == 0) {
    entry.head = head;
    entry.holder = holder;
    ++stripe.used;
  }
  entry.pins += n;
  return Errc::kOk;
}

Errc Ledger::remove(std::uint32_t holder, Pfn head, std::uint32_t n) {
  if (n == 0) return Errc::kInval;
  Stripe& stripe = this->stripe(head);
  Guard guard(stripe.lock);
  if (stripe.size == 0) return Errc::kNotPinned;
  const std::size_t slot = find(stripe, head, holder);
  LedgerEntry& entry = stripe.slots[slot];
  if (entry.pins < n) return Errc::kNotPinned;
  entry.pins -= n;
  if (entry.pins == 0) erase(stripe, slot);
  return Errc::kOk;
}

Errc Ledger::move(std::uint32_t from, std::uint32_t to, Pfn head, std::uint32_t n) {
  // Added first: between the two the page counts as pinned more, never less.
  if (pins_of(from, head) < n) return Errc::kNotPinned;
  if (const Errc error = add(to, head, n); error != Errc::kOk) return error;
  const Errc error = remove(from, head, n);
  if (error != Errc::kOk) {
    const Errc undone = remove(to, head, n);
    if (undone != Errc::kOk) return undone;
  }
  return error;
}

Errc Ledger::promise(Pfn head, Page page, std::uint64_t refs, std::uint64_t most) {
  Stripe& stripe = this->stripe(head);
  Guard guard(stripe.lock);
  // A page that nobody holds may be about to have its first reference.
  std::uint64_t sum = refs + static_cast<std::uint64_t>(std::max(page.refcount(), 1));
  for (const Promise& each : stripe.promises)
    if (each.head == head) sum += each.refs;
  if (sum > most) return Errc::kPinLimit;
  try {
    stripe.promises.push_back({head, refs});
  } catch (const std::bad_alloc&) {
    return Errc::kNoMem;
  }
  return Errc::kOk;
}

void Ledger::settle(Pfn head, std::uint64_t refs) {
  Stripe& stripe = this->stripe(head);
  Guard guard(stripe.lock);
  const auto at = std::ranges::find_if(
      stripe.promises, [&](const Promise& each) { return each.head == head && each.refs == refs; });
  if (at == stripe.promises.end()) return;
  *at = stripe.promises.back();
  stripe.promises.pop_back();
}

std::uint64_t Ledger::pins(Pfn head) const {
  const Stripe& stripe = this->stripe(head);
  Guard guard(stripe.lock);
  if (stripe.size == 0) return 0;
  const std::size_t mask = stripe.size - 1;
  std::uint64_t sum = 0;
  for (std::size_t slot = home(head, stripe.size); stripe.slots[slot].pins != 0;
       slot = (slot + 1) & mask)
    if (stripe.slots[slot].head == head) sum += stripe.slots[slot].pins;
  return sum;
}

std::uint32_t Ledger::pins_of(std::uint32_t holder, Pfn head) const {
  const Stripe& stripe = this->stripe(head);
  Guard guard(stripe.lock);
  return stripe.size == 0 ? 0 : stripe.slots[find(stripe, head, holder)].pins;
}

std::uint64_t Ledger::total() const {
  std::uint64_t sum = 0;
  for (const LedgerEntry& entry : entries()) sum += entry.pins;
  return sum;
}

std::vector<LedgerEntry> Ledger::entries() const {
  std::vector<LedgerEntry> all;
  for (std::size_t i = 0; i < kStripes; ++i) {
    Guard guard(stripes_[i].lock);
    for (std::size_t slot = 0; slot < stripes_[i].size; ++slot)
      if (stripes_[i].slots[slot].pins != 0) all.push_back(stripes_[i].slots[slot]);
  }
  std::sort(all.begin(), all.end(), [](const LedgerEntry& a, const LedgerEntry& b) {
    return a.head == b.head ? a.holder < b.holder : a.head < b.head;
  });
  return all;
}

void Ledger::clear() {
  for (std::size_t i = 0; i < kStripes; ++i) {
    Guard guard(stripes_[i].lock);
    stripes_[i].slots.reset();
    stripes_[i].size = stripes_[i].used = 0;
    stripes_[i].promises.clear();
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
