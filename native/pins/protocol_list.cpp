// List overlay: flags in one list word, the count in the other, both ours from
// the first pin, which takes the page off its LRU, to the last unpin, which puts
// it back. Pins take the LRU lock; an unpin takes it only where it may be the
// last (dec_and_lock), since its own pin keeps the word a count until then.
#include "base/fault.h"
#include "pins/batch.h"
#include "pins/lru.h"
#include "pins/protocol.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

template <class W>
struct ListOverlay : PolicyBase {
  using Word = W;

  static W* flags(const PinFrame& f, const Target& t) { return t.word<W>(f.flag_word); }
  static bool flagged(const PinFrame& f, const Target& t) {
    return atomics::load_bits(flags(f, t), static_cast<W>(f.pinned)) != 0;
  }
  static std::uint32_t refs(const PinFrame& f, const Target&) { return f.refs_per_pin; }

  static Errc add(const PinFrame& f, const Target& t, std::uint32_t n, std::uint32_t, unsigned) {
    Guard guard(f.zone->lru_lock());
    if (flagged(f, t)) {
      atomics::add(t.u32(f.count), n);
      return Errc::kOk;
    }
    const Result<bool> was_lru = isolate_locked(f, t);
    if (!was_lru) return was_lru.error;
    atomics::store(t.u32(f.count), n, atomics::kRelease);  // the flag's store is a full barrier
    atomics::set_bits(flags(f, t), static_cast<W>(f.pinned | (was_lru.value ? f.was_lru : 0)));
    return Errc::kOk;
  }

  static Errc sub(const PinFrame& f, const Target& t, std::uint32_t n, std::uint32_t, unsigned) {
    if (f.quirks.has(Quirk::kDoubleLastUnpin)) return sub_then_lock(f, t, n);
    if (!flagged(f, t)) return Errc::kNotPinned;
    std::uint32_t seen = atomics::load(t.u32(f.count));
    // Beyond 2^31 is a count that has crossed its limit: as unsigned, it is large.
    while (seen > n || (planted(Mistake::kListLastUnlocked) && seen == n))
      if (atomics::compare_exchange(t.u32(f.count), seen, seen - n)) return Errc::kOk;
    Guard guard(f.zone->lru_lock());
    if (!flagged(f, t)) return Errc::kNotPinned;
    seen = atomics::fetch_sub(t.u32(f.count), n);
    if (seen > n) return Errc::kOk;
    if (seen < n) {
      atomics::add(t.u32(f.count), n);
      return Errc::kNotPinned;
    }
    return last(f, t);
  }

  static Errc last(const PinFrame& f, const Target& t) {
    const W before = atomics::fetch_and(flags(f, t), static_cast<W>(~f.pinned));
    if ((before & f.was_lru) == 0 || !can_be_listed(f.memmap->page(Pfn{t.pfn}))) return Errc::kOk;
    atomics::clear_bits(flags(f, t), static_cast<W>(f.was_lru));
    return link_locked(f, t);
  }

  /// Quirk::kDoubleLastUnpin. kCorrupt where the kernel's assertion fires.
  static Errc sub_then_lock(const PinFrame& f, const Target& t, std::uint32_t n) {
    if (atomics::fetch_sub(t.u32(f.count), n) != n) return Errc::kOk;
    Guard guard(f.zone->lru_lock());
    if (!flagged(f, t)) return Errc::kCorrupt;
    return atomics::load(t.u32(f.count)) == 0 ? last(f, t) : Errc::kOk;
  }

  static bool pinned(const PinFrame& f, const Target& t) { return flagged(f, t); }
  static PinCount count(const PinFrame& f, const Target& t) {
    Guard guard(f.zone->lru_lock());
    return {flagged(f, t) ? atomics::load(t.u32(f.count)) : 0, true};
  }

  static Errc putback(const PinFrame& f, const Target& t) {
    if (!f.isolates) return PolicyBase::putback(f, t);
    if (!flagged(f, t) || planted(Mistake::kListPutbackPinned)) return putback_locked(f, t);
    atomics::set_bits(flags(f, t), static_cast<W>(f.was_lru));
    return Errc::kOk;
  }
};

}  // namespace

PinKernels list_overlay_kernel(unsigned word_bytes) { return by_width<ListOverlay>(word_bytes); }

}  // namespace pagebox::inline PAGEBOX_ENV
