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

struct Named {
  std::string_view scheme;
  std::size_t stride;
  LimitLoop (*of)(PinOp, bool prefetch);
};

template <class S>
LimitLoop any_loop_of(PinOp op, bool prefetch) {
  return prefetch ? loop_of<S, true>(op) : loop_of<S, false>(op);
}

constexpr std::array<Named, 11> kLoops = {{
    {"refcount", 64, &any_loop_of<Refcount>},
    {"lru-overlay", 64, &any_loop_of<LruOverlay>},
    {"packed-64", 64, &any_loop_of<Packed<std::uint64_t>>},
    {"packed-32", 64, &any_loop_of<Packed<std::uint32_t>>},
    {"flag-and-word", 64, &any_loop_of<FlagAndWord>},
    {"own-counter", 80, &any_loop_of<OwnCounter>},
    {"mapcount-overlay", 64, &any_loop_of<MapcountOverlay>},
    {"refcount-bias", 64, &any_loop_of<RefcountBias>},
    {"folio-pincount", 64, &any_loop_of<FolioPincount>},
    {"side-table", 64, &any_loop_of<SideTable>},
    {"sharded", 64, &any_loop_of<Sharded>},
}};

}  // namespace

LimitLoop limit_loop(const Pins& pins, PinOp op, bool prefetch) {
  const PinFrame& f = pins.frame();
  if (f.memmap->shape().word_bytes != 8 || f.memmap->shape().compound_head_is_mask ||
      f.refcount != kRefcount || f.mapcount != kMapcount)
    return nullptr;
  for (const Named& named : kLoops) {
    if (named.scheme != pins.scheme().name || named.stride != f.stride_bytes) continue;
    if (named.scheme == "own-counter" && f.count != kCounter) return nullptr;
    return named.of(op, prefetch);
  }
  return nullptr;
}

}  // namespace pagebox::inline PAGEBOX_ENV
