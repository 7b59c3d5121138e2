// Plain add: a pin adds to `_refcount`, and to a second counter where the scheme
// has one. No lock, no loop: the limit is the sign of `_refcount`, which every
// pin raises at least as fast as any other counter.
#include "base/fault.h"
#include "pins/batch.h"
#include "pins/in_loop.h"
#include "pins/protocol.h"
#include "pins/tail_place.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// refcount and refcount-bias.
template <class W>
struct References : PolicyBase, ReadsReferences {
  using Word = W;
  static std::uint32_t refs(const PinFrame& f, const Target&) { return f.refs_per_pin; }
  static Errc add(const PinFrame&, const Target&, std::uint32_t, std::uint32_t, unsigned) {
    return Errc::kOk;
  }
  static Errc sub(const PinFrame&, const Target&, std::uint32_t, std::uint32_t, unsigned) {
    return Errc::kOk;
  }
};

/// own-counter, and any declared word that is only added to.
template <class W>
struct Counter : PolicyBase {
  using Word = W;
  static std::uint32_t refs(const PinFrame& f, const Target&) { return f.refs_per_pin; }
  PAGEBOX_IN_LOOP static Errc add(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t, unsigned) {
    if (planted(Mistake::kOwnCounterStoredBack))
      atomics::store(t.u32(f.count), atomics::load(t.u32(f.count)) + n);
    else
      atomics::add(t.u32(f.count), n);
    return Errc::kOk;
  }
  PAGEBOX_IN_LOOP static Errc sub(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t, unsigned) {
    return take_from(t.u32(f.count), n);
  }
  // Unsigned, so that a count beyond its limit still reads as pinned.
  static PinCount count(const PinFrame& f, const Target& t) {
    return {atomics::load(t.u32(f.count)), true};
  }
  static bool pinned(const PinFrame& f, const Target& t) {
    return atomics::load(t.u32(f.count)) != 0;
  }
};

/// mapcount-overlay.
template <class W>
struct Mapcount : PolicyBase {
  using Word = W;
  static std::uint32_t refs(const PinFrame& f, const Target&) { return f.refs_per_pin; }
  PAGEBOX_IN_LOOP static Errc add(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t, unsigned) {
    if (static_cast<std::int32_t>(atomics::load(t.u32(f.mapcount))) < kTypedBelow ||
        (atomics::load(t.word<W>(0)) & f.slab_flag) != 0) [[unlikely]]
      return Errc::kRefused;
    if (planted(Mistake::kMapcountPinsOnce) && pinned(f, t)) return Errc::kOk;
    atomics::add(t.u32(f.mapcount), n);
    return Errc::kOk;
  }
  PAGEBOX_IN_LOOP static Errc sub(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t, unsigned) {
    atomics::sub(t.u32(f.mapcount), n);
    return Errc::kOk;
  }
  static std::uint32_t mappings(const PinFrame& f, const Target& t) {
    if (f.ops->real_mappings != nullptr) return f.ops->real_mappings(f.ops->context, Pfn{t.pfn});
    return atomics::load(f.mappings + t.pfn);
  }
  static PinCount count(const PinFrame& f, const Target& t) {
    // Asked before and after, and the fewer believed: a mapping that comes or
    // goes meanwhile then makes a false positive, never a false negative.
    const std::uint32_t before = mappings(f, t);
    const auto raw = static_cast<std::int32_t>(atomics::load(t.u32(f.mapcount)));
    const std::uint32_t after = mappings(f, t);
    // A descriptor never initialised has a `_mapcount` of 0, as a mapped page has.
    if (raw < kTypedBelow || atomics::load(t.u32(f.refcount)) == 0) return {0, true};
    const std::int64_t pins = std::int64_t{raw} + 1 - (before < after ? before : after);
    return {pins > 0 ? static_cast<std::uint64_t>(pins) : 0, true};
  }
  static bool pinned(const PinFrame& f, const Target& t) { return count(f, t).pins != 0; }
};

/// folio-pincount.
template <class W>
struct Tail : PolicyBase {
  using Word = W;
  /// Whether the layout names a place for this folio's count.
  PAGEBOX_IN_LOOP static bool has_place(const PinFrame& f, const Target& t) {
    return has_tail_place<W>(f, t);
  }
  PAGEBOX_IN_LOOP static std::uint32_t refs(const PinFrame& f, const Target& t) {
    return has_place(f, t) ? 1 : f.refs_per_pin;
  }
  /// What refs() found says it, unless a pin is one reference everywhere.
  PAGEBOX_IN_LOOP static bool counts(const PinFrame& f, const Target& t, std::uint32_t each) {
    return each == 1 && (f.refs_per_pin != 1 || has_place(f, t));
  }
  PAGEBOX_IN_LOOP static Errc add(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t each, unsigned) {
    if (counts(f, t, each) && planted(Mistake::kTailStoredBack))
      atomics::store(t.u32(f.count), atomics::load(t.u32(f.count)) + n);
    else if (counts(f, t, each))
      atomics::add(t.u32(f.count), n);
    return Errc::kOk;
  }
  PAGEBOX_IN_LOOP static Errc sub(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t each, unsigned) {
    return counts(f, t, each) ? take_from(t.u32(f.count), n) : Errc::kOk;
  }
  static PinCount count(const PinFrame& f, const Target& t) {
    if (has_place(f, t)) return {atomics::load(t.u32(f.count)), true};
    return ReadsReferences::count(f, t);
  }
  static bool pinned(const PinFrame& f, const Target& t) {
    if (has_place(f, t)) return atomics::load(t.u32(f.count)) != 0;
    return ReadsReferences::pinned(f, t);
  }
};

}  // namespace

PinKernels add_kernel(CountPlace place, unsigned word_bytes) {
  switch (place) {
    case CountPlace::kMapcount: return by_width<Mapcount>(word_bytes);
    case CountPlace::kTail: return by_width<Tail>(word_bytes);
    case CountPlace::kWord:
    case CountPlace::kCounter: return by_width<Counter>(word_bytes);
    default: return by_width<References>(word_bytes);
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
