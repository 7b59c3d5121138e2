#include "pins/ledger.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <new>
#include <utility>

#include "base/memory_changes.h"
#include "pins/in_loop.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::size_t kFirstSlots = 16;
/// Entries between the prefetch of one and its use.
constexpr std::size_t kAhead = 24;

std::size_t home(Pfn head, std::size_t slots) {
  // Fibonacci hashing.
  return static_cast<std::size_t>(head.value * 0x9e3779b97f4a7c15U >> 20) & (slots - 1);
}

}  // namespace

/// The locks of all stripes that some heads lie in, taken from the first to the last: who
/// takes several never waits for one behind another.
class [[nodiscard]] Ledger::Locked {
 public:
  Locked(Ledger& ledger, std::uint64_t stripes) : ledger_(ledger), stripes_(stripes) {
    for_each([](SpinLock& lock) { lock.lock(); });
  }
  ~Locked() {
    for_each([](SpinLock& lock) { lock.unlock(); });
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  template <class Fn>
  void for_each(Fn fn) {
    for (std::uint64_t left = stripes_; left != 0; left &= left - 1)
      fn(ledger_.stripes_[std::countr_zero(left)].lock);
  }
  Ledger& ledger_;
  std::uint64_t stripes_;
};

Ledger::Ledger() : stripes_(new Stripe[kStripes]) {}

Errc Ledger::reserve(std::uint64_t capacity) {
  Result<Mapping> table = Mapping::reserve(capacity * sizeof(Direct));
  if (!table) return table.error;
  Result<Mapping> used = Mapping::reserve((capacity >> kBlockShift) + 1);
  if (!used) return used.error;
  table_ = std::move(table.value);
  used_ = std::move(used.value);
  direct_ = reinterpret_cast<Direct*>(table_.data());
  block_ = used_.data();
  capacity_ = capacity;
  return Errc::kOk;
}

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

bool Ledger::has(const Stripe& stripe, Pfn head, std::uint32_t holder) {
  stripe.mark.read();
  return stripe.used != 0 && stripe.slots[find(stripe, head, holder)].pins != 0;
}

Errc Ledger::use_block(Stripe& stripe, std::uint64_t block) {
  try {
    stripe.blocks.push_back(block);
  } catch (const std::bad_alloc&) {
    return Errc::kOutOfMemory;
  }
  memory_changes(block_ + block, 1);
  block_[block] = std::byte{1};
  return Errc::kOk;
}

/// Each holder of a head has one entry: in the table, or here.
PAGEBOX_IN_LOOP inline Errc Ledger::add_locked(Stripe& stripe, std::uint32_t holder, Pfn head,
                                               std::uint32_t n) {
  stripe.mark.write();
  if (head.value >= capacity_) return add_beside(stripe, holder, head, n);
  Direct& entry = direct_[head.value];
  memory_changes(&entry, sizeof entry);
  // As nearly always. First or not is as good as random, and not asked.
  if (entry.holder == holder && stripe.used == 0 &&
      block_[head.value >> kBlockShift] != std::byte{0} &&
      entry.pins <= std::numeric_limits<std::uint32_t>::max() - n) [[likely]] {
    entry.pins += n;
    return Errc::kOk;
  }
  if (entry.pins == 0) {
    if (stripe.used != 0 && has(stripe, head, holder)) return add_beside(stripe, holder, head, n);
    if (const std::uint64_t block = head.value >> kBlockShift; block_[block] == std::byte{0})
        [[unlikely]] {
      if (const Errc error = use_block(stripe, block); error != Errc::kOk) return error;
    }
    entry = {holder, n};
    return Errc::kOk;
  }
  if (entry.holder != holder) return add_beside(stripe, holder, head, n);
  if (entry.pins > std::numeric_limits<std::uint32_t>::max() - n) return Errc::kPinLimit;
  entry.pins += n;
  return Errc::kOk;
}

Errc Ledger::add_beside(Stripe& stripe, std::uint32_t holder, Pfn head, std::uint32_t n) {
  if (2 * (stripe.used + 1) > stripe.size)
    // Half of the slots are kept free: for speed, and for what is put back.
    if (const Errc error = grow(stripe); error != Errc::kOk && stripe.used + 1 >= stripe.size)
      return error;
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

PAGEBOX_IN_LOOP inline Errc Ledger::remove_locked(Stripe& stripe, std::uint32_t holder, Pfn head,
                                                  std::uint32_t n) {
  stripe.mark.write();
  if (head.value < capacity_) {
    Direct& entry = direct_[head.value];
    memory_changes(&entry, sizeof entry);
    if (entry.pins != 0 && entry.holder == holder) {
      if (entry.pins < n) return Errc::kNotPinned;
      entry.pins -= n;
      return Errc::kOk;
    }
  }
  if (stripe.used == 0) return Errc::kNotPinned;
  const std::size_t slot = find(stripe, head, holder);
  LedgerEntry& entry = stripe.slots[slot];
  if (entry.pins < n) return Errc::kNotPinned;
  entry.pins -= n;
  if (entry.pins == 0) erase(stripe, slot);
  return Errc::kOk;
}

Errc Ledger::add(std::uint32_t holder, Pfn head, std::uint32_t n) {
  if (n == 0) return Errc::kInval;
  Stripe& stripe = this->stripe(head);
  Guard guard(stripe.lock);
  return add_locked(stripe, holder, head, n);
}

Errc Ledger::remove(std::uint32_t holder, Pfn head, std::uint32_t n) {
  if (n == 0) return Errc::kInval;
  Stripe& stripe = this->stripe(head);
  Guard guard(stripe.lock);
  return remove_locked(stripe, holder, head, n);
}

/// step(stripe, head) for each, with its lock held, until one fails.
template <class Step>
PAGEBOX_IN_LOOP inline std::size_t Ledger::each(Heads heads, Errc& error, Step step) {
  for (std::size_t first = 0; first < heads.size(); first += kRound) {
    const Heads round = heads.subspan(first, std::min(kRound, heads.size() - first));
    std::uint64_t stripes = 0;
    for (const std::uint32_t head : round) stripes |= std::uint64_t{1} << stripe_index(head);
    const Locked locked(*this, stripes);
    for (std::size_t i = 0; i < round.size(); ++i) {
      if (const std::size_t ahead = i + kAhead; ahead < round.size())
        if (round[ahead] < capacity_) __builtin_prefetch(direct_ + round[ahead], 1, 3);
      const Errc failed = step(stripes_[stripe_index(round[i])], Pfn{round[i]});
      if (failed == Errc::kOk) [[likely]]
        continue;
      error = failed;
      return first + i;
    }
  }
  return heads.size();
}

std::size_t Ledger::add_many(std::uint32_t holder, Heads heads, Errc& error) {
  return each(heads, error,
              [&](Stripe& stripe, Pfn head) { return add_locked(stripe, holder, head, 1); });
}

std::size_t Ledger::remove_many(std::uint32_t holder, Heads heads, Errc& error) {
  return each(heads, error,
              [&](Stripe& stripe, Pfn head) { return remove_locked(stripe, holder, head, 1); });
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
  stripe.mark.write();
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
  stripe.mark.write();
  const auto at = std::ranges::find_if(
      stripe.promises, [&](const Promise& each) { return each.head == head && each.refs == refs; });
  if (at == stripe.promises.end()) return;
  *at = stripe.promises.back();
  stripe.promises.pop_back();
}

std::uint64_t Ledger::pins(Pfn head) const {
  const Stripe& stripe = this->stripe(head);
  Guard guard(stripe.lock);
  stripe.mark.read();
  std::uint64_t sum = head.value < capacity_ ? direct_[head.value].pins : 0;
  if (stripe.used == 0) return sum;
  const std::size_t mask = stripe.size - 1;
  for (std::size_t slot = home(head, stripe.size); stripe.slots[slot].pins != 0;
       slot = (slot + 1) & mask)
    if (stripe.slots[slot].head == head) sum += stripe.slots[slot].pins;
  return sum;
}

std::uint32_t Ledger::pins_of(std::uint32_t holder, Pfn head) const {
  const Stripe& stripe = this->stripe(head);
  Guard guard(stripe.lock);
  stripe.mark.read();
  if (head.value < capacity_)
    if (const Direct& entry = direct_[head.value]; entry.holder == holder && entry.pins != 0)
      return entry.pins;
  return stripe.used == 0 ? 0 : stripe.slots[find(stripe, head, holder)].pins;
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
    stripes_[i].mark.read();
    for (std::size_t slot = 0; slot < stripes_[i].size; ++slot)
      if (stripes_[i].slots[slot].pins != 0) all.push_back(stripes_[i].slots[slot]);
    for (const std::uint64_t block : stripes_[i].blocks)
      for (std::uint64_t pfn = block << kBlockShift;
           pfn < std::min(capacity_, (block + 1) << kBlockShift); ++pfn)
        if (direct_[pfn].pins != 0)
          all.push_back({Pfn{pfn}, direct_[pfn].holder, direct_[pfn].pins});
  }
  std::sort(all.begin(), all.end(), [](const LedgerEntry& a, const LedgerEntry& b) {
    return a.head == b.head ? a.holder < b.holder : a.head < b.head;
  });
  return all;
}

void Ledger::clear() {
  for (std::size_t i = 0; i < kStripes; ++i) {
    Guard guard(stripes_[i].lock);
    stripes_[i].mark.write();
    stripes_[i].slots.reset();
    stripes_[i].size = stripes_[i].used = 0;
    stripes_[i].promises.clear();
    for (const std::uint64_t block : stripes_[i].blocks) {
      const std::uint64_t first = block << kBlockShift;
      const std::uint64_t entries = std::min(capacity_ - first, std::uint64_t{1} << kBlockShift);
      memory_changes(direct_ + first, entries * sizeof(Direct));
      std::fill_n(direct_ + first, entries, Direct{});
      memory_changes(block_ + block, 1);
      block_[block] = std::byte{0};
    }
    stripes_[i].blocks.clear();
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
