// What loops gave up in a run: which operation, of which thread, waited for what, and
// on which page. A finding like an audit's row: words of a descriptor are damaged, or
// something was lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/retry.h"
#include "engine/scenario/ops.h"
#include "page/memmap.h"

namespace pagebox::inline PAGEBOX_ENV {

struct Livelock {
  std::uint64_t round = 0;  // from 0
  int thread = -1;          // from 0; -1: nobody's, in the setup or the end of a round
  std::string op;           // as op_text(); "" between operations
  std::string waits_for;
  std::optional<Pfn> page;
  bool counted = false;  // it waited for a count: expected, found
  std::int64_t expected = 0, found = 0;
};
/// "{"op":"load","buf":"a"} waited for the lock of a folio, page 7"
std::string livelock_text(const Livelock& livelock);

/// How long loops of a race go on: with time left, once it has to end, and once one has
/// given up.
inline constexpr unsigned kPatienceMs = 2000, kOverdueMs = 1000, kLostRaceMs = 100;

/// The Patience of one thread. Alone unless a race says otherwise.
class LivelockWatch : public Patience {
 public:
  explicit LivelockWatch(int thread = -1) : thread_(thread) {}

  unsigned limit_ms() const override { return kAlone; }
  void gave_up(const GaveUp& what) override;

  /// From now on; null: no pages.
  void watch(const Memmap* memmap, std::uint64_t round) {
    memmap_ = memmap;
    round_ = round;
  }
  /// Null: between operations. Lives until the next call.
  void begin(const Op* op) {
    op_ = op;
    begin_operation();
  }
  /// For a thread that does the work of several in turn.
  void begin_of(int thread, const Op* op) {
    thread_ = thread;
    begin(op);
  }
  /// Of another who watched for the same run.
  void add(std::vector<Livelock> found) {
    for (Livelock& each : found)
      if (found_.size() < kMax) found_.push_back(std::move(each));
  }
  /// The first ones.
  std::vector<Livelock> take() { return std::move(found_); }
  bool has_found() const { return !found_.empty(); }

  static constexpr std::size_t kMax = 8;

 private:
  std::optional<Pfn> page_at(const void* at) const;

  int thread_;
  const Memmap* memmap_ = nullptr;
  const Op* op_ = nullptr;
  std::uint64_t round_ = 0;
  std::vector<Livelock> found_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
