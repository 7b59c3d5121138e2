// What a thread of random operations knows of the letters of each process: what it was told
// by its own operations, and nothing else. Others change the letters too, so it can be wrong;
// where it was, it stays away for a while.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "engine/scenario/ops.h"

namespace pagebox::inline PAGEBOX_ENV {

inline constexpr unsigned kMaxKnownLetters = 12;

using BlockMask = std::uint64_t;
using KindSet = std::uint32_t;
constexpr KindSet kind_bit(MapKind kind) { return KindSet{1} << static_cast<unsigned>(kind); }
inline constexpr KindSet kAnyKind = ~KindSet{0};

/// Sets of blocks: pages, or runs of them where a letter has more than 64.
struct KnownLetter {
  BlockMask mapped = 0, writable = 0, locked = 0;
  BlockMask populated = 0;  // used since it was mapped, dropped or paged out
  BlockMask written = 0;    // so that the page is this process's own
  BlockMask device = 0;     // moved to a device and not used since
  BlockMask exclusive = 0;
  BlockMask not_forked = 0;
  MapKind kind = MapKind::kAnonPrivate;
  /// An operation on these blocks failed for no reason that is known.
  BlockMask shy = 0;
  std::uint64_t shy_until = 0;
};

struct KnownProcess {
  std::uint32_t number = 0;
  std::uint32_t origin = 0;   // the shared process that it comes from
  std::uint8_t open = 0;      // devices, a bit each
  std::uint8_t not_open = 0;  // closed by this thread, and not used since
  std::array<KnownLetter, kMaxKnownLetters> letters{};
};

/// What an operation works on.
struct Wanted {
  KindSet kinds = kAnyKind;
  bool writable = false, unlocked = false;
  bool exclusive = false, not_exclusive = false;
  bool populated = false, written = false, off_device = false;
  bool few = false;                            // mostly one page: all or nothing
  BlockMask KnownLetter::* prefers = nullptr;  // and takes others where there are none
  bool avoids = false;                         // the other way round
};

struct Place {
  std::uint32_t proc = 0;
  std::uint8_t buf = 0;
  std::uint64_t page = 0, n = 0;
};

class Known {
 public:
  Known(unsigned processes, unsigned letters, std::uint64_t pages);

  /// Shared ones first, then the thread's own; the order is that of their forks.
  const std::vector<KnownProcess>& all() const { return processes_; }
  KnownProcess* find(std::uint32_t number);
  /// Null: it is none of the generator's letters.
  KnownLetter* letter(std::uint32_t process, unsigned buf);
  void fork(std::uint32_t parent, std::uint32_t child, std::uint64_t now);
  void exit(std::uint32_t number);
  bool is_shared(std::uint32_t number) const { return number < shared_; }
  unsigned letters() const { return letters_; }
  std::uint64_t pages() const { return pages_; }

  /// Blocks that the range touches; that lie in it as a whole.
  BlockMask touched(std::uint64_t page, std::uint64_t n) const;
  BlockMask covered(std::uint64_t page, std::uint64_t n) const;
  BlockMask whole() const { return touched(0, pages_); }

  /// `at.proc` and `at.buf` are tried first. False: nothing of that kind is known.
  bool draw(Rng& rng, std::uint64_t now, const Wanted& wanted, Place& at) const;

 private:
  bool draw_in(Rng& rng, std::uint64_t now, const Wanted& wanted, const KnownLetter& letter,
               Place& at) const;

  unsigned shared_, letters_;
  std::uint64_t pages_, block_;  // block_: pages of one
  std::vector<KnownProcess> processes_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
