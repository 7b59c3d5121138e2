// What the limit loops differ in: where each scheme has its count, and the least that it
// takes to change and to read it there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.h"
#include "base/lock.h"
#include "page/memmap.h"
#include "page/zone.h"
#include "pins/batch.h"

namespace pagebox::inline PAGEBOX_ENV::limit {

// v4.20 to v6.12, 64 bits: descriptors of 64 bytes, as the compiler would know
// them. Only own-counter pays another stride.
inline constexpr std::size_t kWord1 = 8, kWord2 = 16, kMapcount = 48, kRefcount = 52, kCounter = 56;

template <class T>
T* field(std::byte* page, std::size_t offset) {
  return reinterpret_cast<T*>(page + offset);
}

// What differs between schemes is add(), sub() and pinned(); what a page is, and
// how it is grabbed, is the same for all.

template <std::size_t kStride>
struct Base {
  static constexpr unsigned kBias = 1;

  static std::byte* head_of(const PinFrame& f, std::uint64_t pfn) {
    std::byte* page = f.base + pfn * kStride;
    const std::uint64_t word1 = atomics::load(field<std::uint64_t>(page, kWord1));
    if ((word1 & 1) != 0) [[unlikely]]
      return f.base + (word1 - 1 - f.page_base);
    return page;
  }
  static void prefetch(const PinFrame& f, std::uint64_t pfn) {
    __builtin_prefetch(f.base + pfn * kStride + kRefcount, 1, 3);
  }
  static std::uint64_t pfn_of(const PinFrame& f, const std::byte* head) {
    return static_cast<std::uint64_t>(head - f.base) / kStride;
  }
};

struct Refcount : Base<64> {
  static void add(const PinFrame&, std::byte*, unsigned) {}
  static void sub(const PinFrame&, std::byte*, unsigned) {}
  static bool pinned(const PinFrame&, std::byte* head) {
    return atomics::load(field<std::uint32_t>(head, kRefcount)) >= 1;
  }
};

struct RefcountBias : Base<64> {
  static constexpr unsigned kBias = kPinBias;
  static void add(const PinFrame&, std::byte*, unsigned) {}
  static void sub(const PinFrame&, std::byte*, unsigned) {}
  static bool pinned(const PinFrame&, std::byte* head) {
    return atomics::load(field<std::uint32_t>(head, kRefcount)) >= kPinBias;
  }
};

struct OwnCounter : Base<80> {
  static void add(const PinFrame&, std::byte* head, unsigned) {
    atomics::fetch_add(field<std::uint32_t>(head, kCounter), 1U);
  }
  static void sub(const PinFrame&, std::byte* head, unsigned) {
    atomics::fetch_sub(field<std::uint32_t>(head, kCounter), 1U);
  }
  static bool pinned(const PinFrame&, std::byte* head) {
    return atomics::load(field<std::uint32_t>(head, kCounter)) != 0;
  }
};

struct MapcountOverlay : Base<64> {
  static void add(const PinFrame&, std::byte* head, unsigned) {
    atomics::fetch_add(field<std::uint32_t>(head, kMapcount), 1U);
  }
  static void sub(const PinFrame&, std::byte* head, unsigned) {
    atomics::fetch_sub(field<std::uint32_t>(head, kMapcount), 1U);
  }
  static bool pinned(const PinFrame& f, std::byte* head) {
    const std::uint32_t mappings = f.ops->real_mappings(f.ops->context, Pfn{pfn_of(f, head)});
    return atomics::load(field<std::uint32_t>(head, kMapcount)) + 1 > mappings;
  }
};

struct SideTable : Base<64> {
  static void prefetch(const PinFrame& f, std::uint64_t pfn) {
    Base::prefetch(f, pfn);
    __builtin_prefetch(f.side_table + pfn, 1, 3);
  }
  static void add(const PinFrame& f, std::byte* head, unsigned) {
    atomics::fetch_add(f.side_table + pfn_of(f, head), 1U);
  }
  static void sub(const PinFrame& f, std::byte* head, unsigned) {
    atomics::fetch_sub(f.side_table + pfn_of(f, head), 1U);
  }
  static bool pinned(const PinFrame& f, std::byte* head) {
    return atomics::load(f.side_table + pfn_of(f, head)) != 0;
  }
};

struct Sharded : Base<64> {
  static void add(const PinFrame& f, std::byte* head, unsigned shard) {
    atomics::fetch_add(&f.shards[shard][pfn_of(f, head)].pins, std::uint64_t{1});
  }
  static void sub(const PinFrame& f, std::byte* head, unsigned shard) {
    atomics::fetch_add(&f.shards[shard][pfn_of(f, head)].unpins, std::uint64_t{1});
  }
  static bool pinned(const PinFrame& f, std::byte* head) {
    const std::uint64_t pfn = pfn_of(f, head);
    std::uint64_t pins = 0, unpins = 0;
    for (std::uint32_t i = 0; i < f.shard_count; ++i)
      unpins += atomics::load(&f.shards[i][pfn].unpins);
    for (std::uint32_t i = 0; i < f.shard_count; ++i) pins += atomics::load(&f.shards[i][pfn].pins);
    return pins != unpins;
  }
};

struct FolioPincount : Base<64> {
  static bool is_large(const PinFrame& f, std::byte* head) {
    return (atomics::load(field<std::uint64_t>(head, 0)) & f.head_flag) != 0;
  }
  static bool pinned(const PinFrame& f, std::byte* head) {
    if (is_large(f, head)) return atomics::load(field<std::uint32_t>(head, f.count)) != 0;
    return atomics::load(field<std::uint32_t>(head, kRefcount)) >= kPinBias;
  }
};

// The list words: the first pin takes the page off its list under the LRU lock and
// the last unpin puts it back. The list operation itself is the zone's.

inline bool take_off_list(const PinFrame& f, std::byte* head) {
  const Page page(head, &f.memmap->shape());
  return page.test(Flag::kLru) && f.zone->remove(page) == Errc::kOk;
}
inline void put_on_list(const PinFrame& f, std::byte* head) {
  const Page page(head, &f.memmap->shape());
  (void)f.zone->add(page, Zone::kind_of(page));
}

struct LruOverlay : Base<64> {
  static constexpr std::uint64_t kPinned = 2, kWasLru = 4;
  static void add(const PinFrame& f, std::byte* head, unsigned) {
    auto* flags = field<std::uint64_t>(head, kWord1);
    auto* count = field<std::uint32_t>(head, kWord2);
    Guard guard(f.zone->lru_lock());
    if ((atomics::load(flags) & kPinned) != 0) {
      atomics::fetch_add(count, 1U);
      return;
    }
    const bool was_lru = take_off_list(f, head);
    atomics::store(count, 1U, atomics::kRelease);
    atomics::fetch_or(flags, was_lru ? kPinned | kWasLru : kPinned);
  }
  static void sub(const PinFrame& f, std::byte* head, unsigned) {
    auto* flags = field<std::uint64_t>(head, kWord1);
    auto* count = field<std::uint32_t>(head, kWord2);
    std::uint32_t seen = atomics::load(count);
    while (seen > 1)
      if (atomics::compare_exchange(count, seen, seen - 1)) return;
    Guard guard(f.zone->lru_lock());
    if (atomics::fetch_sub(count, 1U) != 1) return;
    if ((atomics::fetch_and(flags, ~kPinned) & kWasLru) == 0) return;
    atomics::fetch_and(flags, ~kWasLru);
    put_on_list(f, head);
  }
  static bool pinned(const PinFrame&, std::byte* head) {
    return (atomics::load(field<std::uint64_t>(head, kWord1)) & kPinned) != 0;
  }
};

struct FlagAndWord : Base<64> {
  static constexpr std::uint64_t kWasLru = 2, kCountMask = 0xffffffff;
  static void add(const PinFrame& f, std::byte* head, unsigned) {
    auto* flags = field<std::uint64_t>(head, 0);
    auto* word = field<std::uint64_t>(head, kWord2);
    std::uint64_t seen = atomics::load(word);
    while ((seen & kCountMask) != 0 && (atomics::load(flags) & f.pinned) != 0)
      if (atomics::compare_exchange(word, seen, seen + 1)) return;
    Guard guard(f.zone->lru_lock());
    if ((atomics::load(flags) & f.pinned) != 0) {
      atomics::fetch_add(field<std::uint32_t>(head, kWord2), 1U);
      return;
    }
    const bool was_lru = take_off_list(f, head);
    // The flag comes between the count's two: see native/pins/protocol_flag_and_word.cpp.
    atomics::store(field<std::uint32_t>(head, kWord2), 0U, atomics::kRelease);
    if (was_lru) atomics::fetch_or(field<std::uint64_t>(head, kWord1), kWasLru);
    atomics::fetch_or(flags, f.pinned);
    atomics::store(field<std::uint32_t>(head, kWord2), 1U, atomics::kRelease);
  }
  static void sub(const PinFrame& f, std::byte* head, unsigned) {
    auto* word = field<std::uint64_t>(head, kWord2);
    std::uint64_t seen = atomics::load(word);
    while ((seen & kCountMask) > 1)
      if (atomics::compare_exchange(word, seen, seen - 1)) return;
    Guard guard(f.zone->lru_lock());
    if (atomics::fetch_sub(field<std::uint32_t>(head, kWord2), 1U) != 1) return;
    atomics::fetch_and(field<std::uint64_t>(head, 0), ~f.pinned);
    if ((atomics::load(field<std::uint64_t>(head, kWord1)) & kWasLru) == 0) return;
    atomics::fetch_and(field<std::uint64_t>(head, kWord1), ~kWasLru);
    put_on_list(f, head);
  }
  static bool pinned(const PinFrame& f, std::byte* head) {
    return (atomics::load(field<std::uint64_t>(head, 0)) & f.pinned) != 0;
  }
};

template <class Word>
struct Packed : Base<64> {
  static constexpr Word kPinned = 1, kWasLru = 2, kOne = 4;
  static void add(const PinFrame& f, std::byte* head, unsigned) {
    auto* word = field<Word>(head, kWord2);
    Word seen = atomics::load(word);
    while ((seen & kPinned) != 0)
      if (atomics::compare_exchange(word, seen, static_cast<Word>(seen + kOne))) return;
    Guard guard(f.zone->lru_lock());
    seen = atomics::load(word);
    while ((seen & kPinned) != 0)
      if (atomics::compare_exchange(word, seen, static_cast<Word>(seen + kOne))) return;
    const bool was_lru = take_off_list(f, head);
    atomics::store(word, static_cast<Word>(kOne | kPinned | (was_lru ? kWasLru : 0)));
  }
  static void sub(const PinFrame& f, std::byte* head, unsigned) {
    auto* word = field<Word>(head, kWord2);
    Word seen = atomics::load(word);
    for (;;) {
      const bool last = seen < 2 * kOne;
      if (last && (seen & kWasLru) != 0) break;
      if (atomics::compare_exchange(word, seen, last ? Word{0} : static_cast<Word>(seen - kOne)))
        return;
    }
    Guard guard(f.zone->lru_lock());
    seen = atomics::load(word);
    for (;;) {
      const bool last = seen < 2 * kOne;
      if (!atomics::compare_exchange(word, seen, last ? Word{0} : static_cast<Word>(seen - kOne)))
        continue;
      if (last && (seen & kWasLru) != 0) put_on_list(f, head);
      return;
    }
  }
  static bool pinned(const PinFrame&, std::byte* head) {
    return (atomics::load(field<Word>(head, kWord2)) & kPinned) != 0;
  }
};

}  // namespace pagebox::inline PAGEBOX_ENV::limit
