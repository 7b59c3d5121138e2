// What the inner loops of pins work with: one struct of numbers, copied into a
// local once a batch, and one table of functions a scheme and word width.
// Nothing here looks at a name, and no loop dispatches by page.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/env.h"
#include "base/errc.h"
#include "page/pfn.h"
#include "page/quirks.h"

namespace pagebox::inline PAGEBOX_ENV {

class Memmap;
class Zone;
enum class AtLimit : std::uint8_t;

struct PinCount {
  std::uint64_t pins = 0;
  bool exact = true;  // false: an upper bound (references look like pins)
};

/// What pins need from the rooms above; any entry may be null.
struct PinOps {
  void* context = nullptr;
  /// For mapcount-overlay: how many mappings there really are, of those that the
  /// head's own `_mapcount` counts (of a large folio, not those of the whole).
  /// Null: the numbers given to Pins::record_mappings(). The caller of a query
  /// keeps them from changing (folio lock), or the answer may be wrong.
  std::uint32_t (*real_mappings)(void* context, Pfn head) = nullptr;
  /// A page without a reference is about to be pinned. True: it was never handed out,
  /// and is initialised now, by this call or another thread's.
  bool (*populate)(void* context, Pfn pfn) = nullptr;
  /// An undone speculative pin was the last reference: the folio is free.
  void (*release)(void* context, Pfn head) = nullptr;
  /// The last unpin is about to link the page again: its flags must say which
  /// list it belongs on by now. Called under the zone's LRU lock.
  void (*settle)(void* context, Pfn head) = nullptr;
};

/// What a swap does to the state bits of a packed word: masks by what happens in it, of
/// an index whose bits are set for a first pin, a full count and an isolation, or for a
/// last unpin, a count that is full no more and a putback.
struct PinStates {
  struct Change {
    std::uint64_t sets = 0, clears = 0;
  };
  std::array<Change, 8> pin, unpin;
};

struct ShardedCount {
  std::uint64_t pins = 0, unpins = 0;
};

/// Pages between the prefetch of a descriptor and its use.
inline constexpr std::uint32_t kPrefetchPages = 24;

struct PinFrame {
  std::byte* base = nullptr;           // of the memmap
  std::uint64_t capacity = 0;          // pfns lie below
  std::uint64_t page_base = 0;         // sandbox address of pfn 0, for compound_head
  std::uint64_t address_mask = ~0ULL;  // of a word
  std::uint64_t stride_inverse = 1;    // of stride >> stride_shift, modulo 2^64
  std::uint32_t stride_bytes = 64;
  std::uint8_t stride_shift = 6;
  std::uint16_t refcount = 52, mapcount = 48;
  std::uint32_t count = 0;  // byte offset in the head, or from the head to a tail's field
  std::uint16_t flag_word = 0, was_lru_word = 0;  // byte offsets
  std::uint32_t refs_per_pin = 1;
  std::uint32_t pinned_from = 1;     // `_refcount`, unsigned, that reads as pinned
  std::uint32_t max_n = 0x7fffffff;  // pins of one call
  QuirkSet quirks;

  std::uint64_t pinned = 0, was_lru = 0;  // masks in their words
  // Packed: one pin, the largest count, and the bits that are not the scheme's.
  std::uint64_t unit = 1, count_max = 0, keep = 0;
  std::uint8_t count_shift = 0;
  bool isolates = false;
  AtLimit at_limit{};
  std::uint64_t reads_pinned = 0;     // packed with states: see reads_pinned()
  const PinStates* states = nullptr;  // the same

  std::uint64_t head_flag = 0;  // PG_head in word 0
  std::uint64_t slab_flag = 0;  // PG_slab, 0 where it is a page type
  std::uint16_t order = 0;      // byte offset of the order, from the head
  std::uint8_t tail_min_order = 0;

  std::uint32_t* side_table = nullptr;
  std::uint8_t slot_bits = 32;  // of a count in it
  std::uint32_t* mappings = nullptr;
  ShardedCount* const* shards = nullptr;
  std::uint32_t shard_count = 1;

  std::uint32_t prefetch_pages = kPrefetchPages;  // 0: none, for measurements
  const PinOps* ops = nullptr;
  Zone* zone = nullptr;
  Memmap* memmap = nullptr;
};

/// Batches add, keep going, and say what failed.
struct BatchResult {
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t first_failed = 0;  // index of the first failure
  Errc first_error = Errc::kOk;
  std::uint64_t freed = 0;  // folios whose last reference this batch dropped
};

/// `_refcount`s beyond which no pin is taken by runs of a ledger: so far below the limit nobody
/// need be promised anything, for there are not so many threads.
inline constexpr std::int32_t kFarBelowLimit = 1 << 30;
inline constexpr std::int32_t kNoLimit = 0x7fffffff;

/// One table a scheme and word width. `freed`, if not null, has room for as
/// many entries as `pfns` and receives the heads counted in BatchResult::freed.
struct PinKernel {
  using Batch = BatchResult (*)(const PinFrame& frame, const std::uint32_t* pfns, std::size_t size,
                                unsigned shard, std::uint32_t* freed);
  Errc (*try_pin)(const PinFrame& frame, std::uint64_t pfn, std::uint32_t n, unsigned shard);
  Errc (*pin)(const PinFrame& frame, std::uint64_t pfn, std::uint32_t n, unsigned shard);
  Result<bool> (*unpin)(const PinFrame& frame, std::uint64_t pfn, std::uint32_t n, unsigned shard);
  /// The caller has a reference already, or nobody can free the page.
  Errc (*get)(const PinFrame& frame, std::uint64_t pfn);
  /// It may be free, or become another folio's page meanwhile: kAgain.
  Errc (*try_get)(const PinFrame& frame, std::uint64_t pfn);
  Result<bool> (*put)(const PinFrame& frame, std::uint64_t pfn);
  PinCount (*pins)(const PinFrame& frame, std::uint64_t pfn);
  bool (*maybe_pinned)(const PinFrame& frame, std::uint64_t pfn);
  /// Of a head.
  std::uint32_t (*refs_per_pin)(const PinFrame& frame, std::byte* head);
  /// Gives an isolated page back: to its LRU, or to its last unpin. Called under
  /// the zone's LRU lock.
  Errc (*putback)(const PinFrame& frame, std::uint64_t pfn);

  Batch try_pin_many, pin_many, unpin_many;
  Batch try_pin_unpin_many;  // pin and unpin each page before the next
  Batch pin_unpin_many;
  Batch get_many, put_many, get_put_many, try_get_put_many;
  /// `done`: pages that may be pinned.
  Batch maybe_pinned_many;

  /// One pin a page up to the first that cannot have one: how many. `heads`: of these, as the
  /// pins found them; `error`: why not all. kOverflow, and the page is not touched: its
  /// `_refcount` is larger than `most`.
  using Run = std::size_t (*)(const PinFrame& frame, const std::uint32_t* pfns, std::size_t size,
                              unsigned shard, std::int32_t most, std::uint32_t* heads, Errc& error);
  Run try_pin_run, pin_run;
  /// The same without a pin.
  std::size_t (*heads_run)(const PinFrame& frame, const std::uint32_t* pfns, std::size_t size,
                           std::uint32_t* heads, Errc& error);
};

}  // namespace pagebox::inline PAGEBOX_ENV
