#include "engine/measure/limit_loops.h"

#include <array>
#include <string_view>

#include "base/atomic.h"
#include "engine/measure/limit_schemes.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

using namespace limit;

// References around the count. Failing to grab is all that can go wrong.

template <class S>
bool try_grab(const PinFrame& f, std::uint64_t pfn, std::byte*& head) {
  head = S::head_of(f, pfn);
  auto* count = field<std::uint32_t>(head, kRefcount);
  std::uint32_t seen = atomics::load(count);
  do {
    if (static_cast<std::int32_t>(seen) <= 0) return false;
  } while (!atomics::compare_exchange(count, seen, seen + 1));
  if (S::head_of(f, pfn) == head) [[likely]]
    return true;
  atomics::fetch_sub(count, 1U);
  return false;
}

template <class S>
bool try_pin(const PinFrame& f, std::uint64_t pfn, unsigned shard, std::byte*& head) {
  if (!try_grab<S>(f, pfn, head)) return false;
  if constexpr (S::kBias != 1)
    atomics::fetch_add(field<std::uint32_t>(head, kRefcount), S::kBias - 1);
  S::add(f, head, shard);
  return true;
}
template <class S>
bool pin(const PinFrame& f, std::uint64_t pfn, unsigned shard, std::byte*& head) {
  head = S::head_of(f, pfn);
  auto* count = field<std::uint32_t>(head, kRefcount);
  if (static_cast<std::int32_t>(atomics::load(count)) <= 0) return false;
  atomics::fetch_add(count, S::kBias);
  S::add(f, head, shard);
  return true;
}
template <class S>
bool unpin(const PinFrame& f, std::byte* head, unsigned shard) {
  S::sub(f, head, shard);
  return static_cast<std::int32_t>(
             atomics::fetch_sub(field<std::uint32_t>(head, kRefcount), S::kBias) - S::kBias) > 0;
}

// folio-pincount chooses by page: the count of a large folio, the bias of a small one.

template <>
bool try_pin<FolioPincount>(const PinFrame& f, std::uint64_t pfn, unsigned, std::byte*& head) {
  if (!try_grab<FolioPincount>(f, pfn, head)) return false;
  if (FolioPincount::is_large(f, head))
    atomics::fetch_add(field<std::uint32_t>(head, f.count), 1U);
  else
    atomics::fetch_add(field<std::uint32_t>(head, kRefcount), kPinBias - 1);
  return true;
}
template <>
bool pin<FolioPincount>(const PinFrame& f, std::uint64_t pfn, unsigned, std::byte*& head) {
  head = FolioPincount::head_of(f, pfn);
  auto* count = field<std::uint32_t>(head, kRefcount);
  if (static_cast<std::int32_t>(atomics::load(count)) <= 0) return false;
  const bool large = FolioPincount::is_large(f, head);
  atomics::fetch_add(count, large ? 1 : kPinBias);
  if (large) atomics::fetch_add(field<std::uint32_t>(head, f.count), 1U);
  return true;
}
template <>
bool unpin<FolioPincount>(const PinFrame& f, std::byte* head, unsigned) {
  const bool large = FolioPincount::is_large(f, head);
  if (large) atomics::fetch_sub(field<std::uint32_t>(head, f.count), 1U);
  const std::uint32_t refs = large ? 1 : kPinBias;
  return static_cast<std::int32_t>(atomics::fetch_sub(field<std::uint32_t>(head, kRefcount), refs) -
                                   refs) > 0;
}

// The loops.

template <class S, PinOp kOp>
bool step(const PinFrame& f, std::uint64_t pfn, unsigned shard) {
  std::byte* head = nullptr;  // of a pinned page: it cannot change until the unpin
  if constexpr (kOp == PinOp::kPin) return try_pin<S>(f, pfn, shard, head);
  if constexpr (kOp == PinOp::kUnpin) return unpin<S>(f, S::head_of(f, pfn), shard);
  if constexpr (kOp == PinOp::kSpeculativeUnpin)
    return try_pin<S>(f, pfn, shard, head) && unpin<S>(f, head, shard);
  if constexpr (kOp == PinOp::kReferencedUnpin)
    return pin<S>(f, pfn, shard, head) && unpin<S>(f, head, shard);
  if constexpr (kOp == PinOp::kMaybePinned) return !S::pinned(f, S::head_of(f, pfn));
}

template <class S, PinOp kOp, bool kPrefetch>
std::uint64_t loop(const PinFrame& frame, const std::uint32_t* pfns, std::size_t size,
                   unsigned shard) {
  const PinFrame f = frame;
  std::uint64_t failed = 0;
  std::size_t i = 0;
  if constexpr (kPrefetch) {
    for (; i + kPrefetchPages < size; ++i) {
      S::prefetch(f, pfns[i + kPrefetchPages]);
      failed += step<S, kOp>(f, pfns[i], shard) ? 0 : 1;
    }
  }
  for (; i < size; ++i) failed += step<S, kOp>(f, pfns[i], shard) ? 0 : 1;
  return failed;
}

template <class S, bool kPrefetch>
LimitLoop loop_of(PinOp op) {
  switch (op) {
    case PinOp::kPin: return &loop<S, PinOp::kPin, kPrefetch>;
    case PinOp::kUnpin: return &loop<S, PinOp::kUnpin, kPrefetch>;
    case PinOp::kPinUnpin:
    case PinOp::kSpeculativeUnpin: return &loop<S, PinOp::kSpeculativeUnpin, kPrefetch>;
    case PinOp::kReferencedUnpin: return &loop<S, PinOp::kReferencedUnpin, kPrefetch>;
    case PinOp::kMaybePinned: return &loop<S, PinOp::kMaybePinned, kPrefetch>;
    default: return nullptr;
  }
}

// The mix. The branch on what was drawn is one that no processor can predict.

template <class S>
bool give_back_any(const PinFrame& f, unsigned shard, Rng& rng, std::uint32_t& size,
                   std::uint32_t* heads) {
  if (size == 0) return false;
  const auto at = static_cast<std::uint32_t>(rng.below(size));
  const std::uint32_t head = heads[at];
  heads[at] = heads[--size];
  return unpin<S>(f, S::head_of(f, head), shard);
}

template <class S, bool kPrefetch>
std::uint64_t mix_loop(const PinFrame& frame, const std::uint32_t* pfns, std::size_t size,
                       unsigned shard, LimitHeld& held) {
  const PinFrame f = frame;
  Rng steps = held.steps, any = held.any;
  std::uint32_t count = held.size;
  std::uint32_t* const heads = held.heads.data();
  std::uint64_t failed = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if constexpr (kPrefetch) {
      const std::size_t ahead = i + kPrefetchPages;
      S::prefetch(f, pfns[ahead < size ? ahead : size - 1]);
    }
    if (steps.below(2) != 0) {
      failed += give_back_any<S>(f, shard, any, count, heads) ? 0 : 1;
      continue;
    }
    if (count == LimitHeld::kMax) (void)give_back_any<S>(f, shard, any, count, heads);
    std::byte* head = nullptr;
    if (try_pin<S>(f, pfns[i], shard, head))
      heads[count++] = static_cast<std::uint32_t>(S::pfn_of(f, head));
    else
      ++failed;
  }
  held.steps = steps;
  held.any = any;
  held.size = count;
  return failed;
}

struct Named {
  std::string_view scheme;
  std::size_t stride;
  LimitLoop (*of)(PinOp, bool prefetch);
  LimitMix mix, prefetching_mix;
};

template <class S>
constexpr Named named(std::string_view scheme, std::size_t stride = 64) {
  return {scheme, stride,
          [](PinOp op, bool prefetch) {
            return prefetch ? loop_of<S, true>(op) : loop_of<S, false>(op);
          },
          &mix_loop<S, false>, &mix_loop<S, true>};
}

constexpr std::array<Named, 11> kLoops = {{
    named<Refcount>("refcount"),
    named<LruOverlay>("lru-overlay"),
    named<Packed<std::uint64_t>>("packed-64"),
    named<Packed<std::uint32_t>>("packed-32"),
    named<FlagAndWord>("flag-and-word"),
    named<OwnCounter>("own-counter", 80),
    named<MapcountOverlay>("mapcount-overlay"),
    named<RefcountBias>("refcount-bias"),
    named<FolioPincount>("folio-pincount"),
    named<SideTable>("side-table"),
    named<Sharded>("sharded"),
}};

const Named* find(const Pins& pins) {
  const PinFrame& f = pins.frame();
  if (f.memmap->shape().word_bytes != 8 || f.memmap->shape().compound_head_is_mask ||
      f.refcount != kRefcount || f.mapcount != kMapcount)
    return nullptr;
  for (const Named& named : kLoops) {
    if (named.scheme != pins.scheme().name || named.stride != f.stride_bytes) continue;
    return named.scheme == "own-counter" && f.count != kCounter ? nullptr : &named;
  }
  return nullptr;
}

}  // namespace

LimitLoop limit_loop(const Pins& pins, PinOp op, bool prefetch) {
  const Named* named = find(pins);
  return named == nullptr ? nullptr : named->of(op, prefetch);
}

LimitMix limit_mix(const Pins& pins, bool prefetch) {
  const Named* named = find(pins);
  if (named == nullptr) return nullptr;
  return prefetch ? named->prefetching_mix : named->mix;
}

}  // namespace pagebox::inline PAGEBOX_ENV
